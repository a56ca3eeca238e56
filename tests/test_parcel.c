/* Questions and answers in wraps: written and read, cut and joined, and refused where they are not
 * what they say. */
#include "shared/parcel.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum { NOW = 1800000000 };

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void test_questions(void **state)
{
    static const struct {
        const char *content, *why;
    } cases[] = {
        {"{\"id\":\"a1\",\"method\":\"POST\",\"path\":\"/v1/swap\",\"body\":{\"a\":[1]}}", NULL},
        {"{\"more\":[],\"path\":\"/x\",\"method\":\"GET\",\"id\":\"a1\"}", NULL},
        {"[]", "expected '{' at byte 0"},
        {"{\"method\":\"GET\",\"path\":\"/x\"}", "a message without an id"},
        {"{\"id\":\"\",\"method\":\"GET\",\"path\":\"/x\"}", "a message without an id"},
        {"{\"id\":\"a1\",\"path\":\"/x\"}", "a question that neither gets nor posts"},
        {"{\"id\":\"a1\",\"method\":\"PUT\",\"path\":\"/x\"}",
         "a question that neither gets nor posts"},
        {"{\"id\":\"a1\",\"method\":\"GET\"}", "a question without a path"},
        {"{\"id\":\"a1\",\"method\":\"GET\",\"path\":\"x\"}", "a question without a path"},
        {"{\"id\":\"a1\",\"method\":\"GET\",\"path\":\"/ x\"}", "a path that is none"},
        {"{\"id\":\"a1\",\"method\":\"GET\",\"path\":\"/x\"}{}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct parcel_question question, again;
        struct text text = {0};
        struct err err;
        print_message("%s\n", cases[i].content);
        bool ok = parcel_read_question(&question, &arena, span_of(cases[i].content), &err);
        bool is_last = i == ARRAY_LEN(cases) - 1; /* what follows is refused, in scan's words */
        assert_int_equal(ok, cases[i].why == NULL && !is_last);
        if (cases[i].why != NULL)
            assert_string_equal(err.text, cases[i].why);
        if (ok) {
            parcel_write_question(&text, &question);
            assert_true(parcel_read_question(&again, &arena, text_span(&text), NULL));
            assert_true(span_eq(question.path, again.path) && span_eq(question.body, again.body));
            assert_true(span_eq(question.method, again.method) && span_eq(again.id, SPAN("a1")));
        }
        text_clear(&text);
        arena_clear(&arena);
    }
}

static void test_answers(void **state)
{
    struct arena arena = {0};
    struct parcel_answer answer = {SPAN("a\"1"), 402, SPAN("{\"code\":1}")}, again;
    struct text text = {0};
    struct err err;
    (void)state;
    parcel_write_answer(&text, &answer);
    assert_true(span_eq(text_span(&text),
                        SPAN("{\"id\":\"a\\\"1\",\"status\":402,\"body\":{\"code\":1}}")));
    assert_true(parcel_read_answer(&again, &arena, text_span(&text), NULL));
    assert_true(again.status == 402 && span_eq(again.id, answer.id) &&
                span_eq(again.body, answer.body));
    assert_false(parcel_read_answer(&again, &arena, SPAN("{\"id\":\"x\"}"), &err));
    assert_string_equal(err.text, "an answer without a status");
    assert_false(parcel_read_answer(&again, &arena, SPAN("{\"id\":\"x\",\"status\":600}"), NULL));
    assert_false(parcel_read_answer(&again, &arena, SPAN("{\"id\":\"x\",\"body\":{}"), NULL));
    assert_false(parcel_read_answer(&again, &arena, SPAN("{\"id\" \"x\"}"), NULL));
    assert_false(parcel_read_answer(&again, &arena, SPAN("{\"body\":[}"), NULL));
    text_clear(&text);
    arena_clear(&arena);
}

/* ---- pieces ---- */

/* So many bytes of words, with characters of two bytes among them. */
static void fill(struct text *text, size_t size)
{
    while (text->len < size)
        text_add(text,
                 text->len + 2 <= size && random_below(3) == 0 ? SPAN("\xc3\xa9") : SPAN("x"));
}

/* Cuts it, and puts the pieces in any order; returns how many there were. */
static uint32_t send_through(struct parcel_shelf *shelf, struct arena *arena, struct span content)
{
    struct event *rumors = arena_array(arena, struct event, PARCEL_PIECES_MAX);
    struct parcel_place place = {0};
    struct span got;
    uint32_t count = 0;
    while (parcel_next(&rumors[count], arena, content, &place, NOW)) {
        assert_int_equal(rumors[count].kind, KIND_MARKET_MESSAGE);
        assert_in_range(rumors[count].content_json.len, 1, 2 * PARCEL_PIECE_BYTES_MAX);
        uint32_t at = random_below(++count);
        struct event last = rumors[count - 1];
        rumors[count - 1] = rumors[at];
        rumors[at] = last;
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_true(parcel_put(shelf, &got, arena, &rumors[i], NOW, NULL));
        assert_int_equal(got.at != NULL, i == count - 1);
        if (i + 1 < count) /* twice is once */
            assert_true(parcel_put(shelf, &got, arena, &rumors[i], NOW, NULL) && got.at == NULL);
    }
    assert_true(span_eq(got, content));
    return count;
}

static void test_pieces(void **state)
{
    static const struct {
        size_t size;
        uint32_t least, most;
    } cases[] = {{1, 1, 1},
                 {PARCEL_PIECE_BYTES_MAX, 1, 1},
                 {PARCEL_PIECE_BYTES_MAX + 1, 2, 2},
                 {(size_t)5 * PARCEL_PIECE_BYTES_MAX, 5, 6},
                 {PARCEL_BYTES_MAX, 342, PARCEL_PIECES_MAX}};
    struct parcel_shelf *shelf = parcel_shelf_new();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena arena = {0};
        struct text text = {0};
        fill(&text, cases[i].size);
        uint32_t count = send_through(shelf, &arena, text_span(&text));
        assert_in_range(count, cases[i].least, cases[i].most);
        text_clear(&text);
        arena_clear(&arena);
    }
    parcel_shelf_free(shelf);
    parcel_shelf_free(NULL);
}

#define DIGEST "aa00000000000000000000000000000000000000000000000000000000000011"

static struct event rumor_of(struct arena *arena, const char *tags, const char *content)
{
    struct event rumor = {
        .kind = KIND_MARKET_MESSAGE, .created_at = NOW, .content_json = span_of(content)};
    assert_true(event_parse_tags(&rumor, arena, span_of(tags), NULL));
    return rumor;
}

static void test_refuses_pieces(void **state)
{
    static const struct {
        const char *tags, *content, *why;
    } cases[] = {
        {"[]", "", "a piece of 1 to 12288 bytes"},
        {"[[\"part\",\"0\",\"2\"]]", "x", "no piece of a message"},
        {"[[\"part\",\"0\",\"1\",\"" DIGEST "\"]]", "x", "no piece of a message"},
        {"[[\"part\",\"2\",\"2\",\"" DIGEST "\"]]", "x", "no piece of a message"},
        {"[[\"part\",\"0\",\"9999\",\"" DIGEST "\"]]", "x", "no piece of a message"},
        {"[[\"part\",\"0\",\"2\",\"zz\"]]", "x", "no piece of a message"},
        {"[[\"t\",\"x\"],[\"part\",\"0\",\"2\",\"" DIGEST "\"]]", "x", NULL},
        {"[[\"part\",\"1\",\"3\",\"" DIGEST "\"]]", "x", "a message of two lengths"},
        {"[[\"part\",\"1\",\"2\",\"" DIGEST "\"]]", "y",
         "a message that is not the one it was to be"},
    };
    struct parcel_shelf *shelf = parcel_shelf_new();
    struct arena arena = {0};
    struct span content;
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct event rumor = rumor_of(&arena, cases[i].tags, cases[i].content);
        print_message("%s\n", cases[i].tags);
        assert_int_equal(parcel_put(shelf, &content, &arena, &rumor, NOW, &err),
                         cases[i].why == NULL);
        if (cases[i].why != NULL)
            assert_string_equal(err.text, cases[i].why);
        assert_null(content.at);
    }
    struct event note = rumor_of(&arena, "[]", "x");
    note.kind = KIND_NOTE;
    assert_false(parcel_put(shelf, &content, &arena, &note, NOW, NULL));
    parcel_shelf_free(shelf);
    arena_clear(&arena);
}

/* As many as are kept, from as many people; and again when their time is up. */
static void test_shelf_is_bounded(void **state)
{
    struct parcel_shelf *shelf = parcel_shelf_new();
    struct arena arena = {0};
    struct span content;
    struct err err;
    struct event rumor = rumor_of(&arena, "[[\"part\",\"0\",\"2\",\"" DIGEST "\"]]", "x");
    (void)state;
    for (unsigned i = 0; i <= PARCEL_SHELF_MAX; i++) {
        rumor.pubkey.at[0] = (uint8_t)i;
        assert_int_equal(parcel_put(shelf, &content, &arena, &rumor, NOW, &err),
                         i < PARCEL_SHELF_MAX);
    }
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    assert_false(parcel_put(shelf, &content, &arena, &rumor, NOW + PARCEL_SHELF_SECONDS, NULL));
    assert_true(parcel_put(shelf, &content, &arena, &rumor, NOW + PARCEL_SHELF_SECONDS + 1, NULL));
    parcel_shelf_free(shelf);
    arena_clear(&arena);
}

/* ---- pieces of an output ---- */

static void test_chunks(void **state)
{
    static const struct {
        const char *tags;
        bool ok;
    } cases[] = {
        {"[[\"e\",\"q1\"],[\"seq\",\"3\"]]", true},
        {"[[\"e\",\"q1\"],[\"seq\",\"3\"],[\"last\",\"4\"]]", true},
        {"[[\"e\",\"q1\"],[\"seq\",\"3\"],[\"last\",\"3\"]]", false},
        {"[[\"e\",\"q1\"],[\"seq\",\"3\"],[\"last\",\"x\"]]", false},
        {"[[\"e\",\"q1\"],[\"seq\",\"99999999\"]]", false},
        {"[[\"e\",\"q1\"]]", false},
        {"[[\"e\",\"\"],[\"seq\",\"3\"]]", false},
        {"[[\"seq\",\"3\"]]", false},
    };
    struct arena arena = {0};
    struct parcel_chunk chunk, again;
    struct event rumor;
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        rumor = rumor_of(&arena, cases[i].tags, "a\\nb");
        rumor.kind = KIND_MARKET_CHUNK;
        assert_int_equal(parcel_read_chunk(&chunk, &arena, &rumor, &err), cases[i].ok);
        if (!cases[i].ok)
            continue;
        assert_true(span_eq(chunk.text, SPAN("a\nb")) && chunk.seq == 3);
        parcel_chunk_event(&rumor, &arena, &chunk, NOW);
        assert_true(parcel_read_chunk(&again, &arena, &rumor, NULL));
        assert_true(again.is_last == chunk.is_last && again.seq == 3 &&
                    span_eq(again.job, SPAN("q1")) && span_eq(again.text, chunk.text));
    }
    rumor.kind = KIND_MARKET_MESSAGE;
    assert_false(parcel_read_chunk(&chunk, &arena, &rumor, NULL));
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions),        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_pieces),           cmocka_unit_test(test_refuses_pieces),
        cmocka_unit_test(test_shelf_is_bounded), cmocka_unit_test(test_chunks)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Bytes in pieces: put together in any order, with lies and strangers between; refused ones. */
#include "client/blob.h"
#include "client/draft.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/test.h"

enum { SIZE = 2 * BLOB_PIECE_BYTES + 100, PIECES = 3 };

static const struct bytes32 root = {{9}};
static char bytes[SIZE];
static struct arena arena;

static struct event made(struct span of, size_t place)
{
    struct draft draft = {0};
    struct event event;
    blob_draft(&draft, &root, of, place);
    draft_finish(&draft, &event, &arena);
    draft_clear(&draft);
    return event;
}

static struct blob_piece piece_of(struct span of, size_t place)
{
    struct blob_piece piece;
    const struct event event = made(of, place);
    assert_int_equal(event.kind, KIND_PIECE);
    assert_true(blob_parse(&piece, &arena, &event, NULL));
    return piece;
}

static void test_whole(void **state)
{
    static const size_t orders[][PIECES] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    const struct span all = {bytes, SIZE};
    const struct bytes32 hash = sig_sha256(all);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        struct blob *blob = blob_new(&arena, &hash, SIZE);
        for (size_t j = 0; j < PIECES; j++) {
            const struct blob_piece piece = piece_of(all, orders[i][j] * BLOB_PIECE_BYTES);
            const struct blob_piece other = piece_of((struct span){bytes, SIZE - 1}, piece.place);
            assert_false(blob_is_whole(blob));
            blob_put(blob, &other); /* of something else */
            blob_put(blob, &piece);
            blob_put(blob, &piece);
        }
        assert_true(blob_is_whole(blob));
        assert_memory_equal(blob->at, bytes, SIZE);
    }
}

/* A piece that says it is of these bytes, and is not. */
static void test_lies(void **state)
{
    const struct span all = {bytes, SIZE};
    const struct bytes32 hash = sig_sha256(all);
    struct blob *blob = blob_new(&arena, &hash, SIZE);
    struct blob_piece lie = piece_of(all, BLOB_PIECE_BYTES);
    char *other = arena_alloc(&arena, lie.bytes.len);
    (void)state;
    memset(other, 'x', lie.bytes.len);
    lie.bytes.at = other;
    blob_put(blob, &lie);
    for (size_t i = 0; i < PIECES; i++) {
        const struct blob_piece piece = piece_of(all, i * BLOB_PIECE_BYTES);
        blob_put(blob, &piece);
    }
    assert_int_equal(blob->missing, 0);
    assert_false(blob_is_whole(blob));
    lie = piece_of(all, 0);
    lie.size--;
    blob = blob_new(&arena, &hash, SIZE);
    blob_put(blob, &lie);
    assert_int_equal(blob->missing, PIECES);
}

static void test_refused(void **state)
{
    static const char no_piece[] = "a piece that does not say of what";
    static const char wrong_length[] = "a piece that is not as long as it has to be";
    static const struct {
        const char *size, *place, *content, *why;
    } cases[] = {
        {"3", "0", "YWJj", ""},
        {"0", "0", "YWJj", no_piece},
        {"16777217", "0", "YWJj", no_piece},
        {"3", "3", "YWJj", no_piece},
        {"9", "3", "YWJj", no_piece},
        {"x", "0", "YWJj", no_piece},
        {"3", "x", "YWJj", no_piece},
        {"4", "0", "YWJj", wrong_length},
        {"3", "0", "YWJ", wrong_length},
        {"3", "0", "####", wrong_length},
    };
    struct blob_piece piece;
    struct err err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct draft draft = {.kind = KIND_PIECE};
        struct event event;
        text_addf(&draft.tags, "[\"t\",\"x\"],[\"x\",\"%064d\",\"%s\",\"%s\"]", 7, cases[i].size,
                  cases[i].place);
        text_addf(&draft.content, "%s", cases[i].content);
        draft_finish(&draft, &event, &arena);
        draft_clear(&draft);
        err.text[0] = '\0';
        assert_int_equal(blob_parse(&piece, &arena, &event, &err), cases[i].why[0] == '\0');
        assert_string_equal(err.text, cases[i].why);
    }
    struct event event = made((struct span){bytes, 10}, 0);
    event.kind = KIND_NOTE;
    assert_false(blob_parse(&piece, &arena, &event, NULL));
    event.kind = KIND_PIECE;
    event.tag_count = 1; /* the entity's */
    assert_false(blob_parse(&piece, &arena, &event, NULL));
}

/* Sealed in another event, the longest still fits into what relays take. */
static void test_length(void **state)
{
    enum { SEALED_BYTES_MAX = 40960 }; /* that NIP-44 pads to no more, so that base64 has room */
    const struct event event = made((struct span){bytes, SIZE}, 0);
    struct text json = {0};
    (void)state;
    event_write(&json, &event);
    assert_in_range(json.len, BLOB_PIECE_BYTES, SEALED_BYTES_MAX - 200); /* less the tag "h" */
    text_clear(&json);
}

static int tear_down(void **state)
{
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_lies),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_length)};
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    return cmocka_run_group_tests(tests, NULL, tear_down);
}

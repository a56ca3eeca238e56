/* Histories as they are drawn: a line, forks that meet again, beginnings apart, what passes under
 * other columns, more columns than are drawn. */
#include "client/graph.h"
#include "shared/text.h"
#include "tests/test.h"

struct step {
    char id;
    const char *parents;
};

static void draw(struct text *out, const struct step *steps, size_t count)
{
    struct graph graph = {0};
    for (size_t i = 0; i < count; i++) {
        struct bytes32 id = {{(uint8_t)steps[i].id}}, parents[8] = {{{0}}};
        size_t parent_count = strlen(steps[i].parents);
        for (size_t j = 0; j < parent_count; j++)
            parents[j].at[0] = (uint8_t)steps[i].parents[j];
        (void)graph_row(&graph, out, &id);
        text_addf(out, "%c\n", steps[i].id);
        graph_links(&graph, out, &id, parents, parent_count);
    }
    graph_clear(&graph);
}

static void check(const char *wanted, const struct step *steps, size_t count)
{
    struct text out = {0};
    draw(&out, steps, count);
    if (!span_eq(text_span(&out), (struct span){wanted, strlen(wanted)}))
        fail_msg("wanted\n%sgot\n%.*s", wanted, SPAN_ARG(out));
    text_clear(&out);
}

static void test_drawn(void **state)
{
    static const struct step line[] = {{'c', "b"}, {'b', "a"}, {'a', ""}};
    static const struct step fork[] = {{'d', "cb"}, {'c', "a"}, {'b', "a"}, {'a', ""}};
    static const struct step heads[] = {{'c', "a"}, {'b', "a"}, {'a', ""}};
    static const struct step apart[] = {{'d', "b"}, {'c', "a"}, {'b', ""}, {'a', ""}};
    static const struct step three[] = {
        {'e', "dcb"}, {'d', "a"}, {'c', "a"}, {'b', "a"}, {'a', ""}};
    (void)state;
    check("* c\n* b\n* a\n", line, ARRAY_LEN(line));
    check("* d\n|\\\n* | c\n| * b\n|/\n* a\n", fork, ARRAY_LEN(fork));
    check("* c\n| * b\n|/\n* a\n", heads, ARRAY_LEN(heads));
    check("* d\n| * c\n* | b\n /\n* a\n", apart, ARRAY_LEN(apart));
    check("* e\n|\\\n|\\ \\\n* | | d\n| * | c\n|/ /\n| * b\n|/\n* a\n", three, ARRAY_LEN(three));
}

static void test_crossed(void **state)
{
    /* The third column meets the first, under the second. */
    static const struct step under[] = {{'d', "a"}, {'c', "b"}, {'e', "a"}, {'b', "a"}, {'a', ""}};
    /* A merge of what another column waits for already, on the right and on the left of it. */
    static const struct step right[] = {{'d', "ba"}, {'c', "a"}, {'b', "a"}, {'a', ""}};
    static const struct step left[] = {{'d', "a"}, {'c', "ba"}, {'b', "a"}, {'a', ""}};
    static const struct step far[] = {{'f', "a"}, {'e', "b"}, {'d', "ca"},
                                      {'c', "a"}, {'b', "a"}, {'a', ""}};
    (void)state;
    check("* d\n| * c\n| | * e\n|_|/\n|/|\n| * b\n|/\n* a\n", under, ARRAY_LEN(under));
    check("* d\n|\\\n| | * c\n| |/\n* | b\n|/\n* a\n", right, ARRAY_LEN(right));
    check("* d\n| * c\n| |\\\n|_|/\n|/|\n| * b\n|/\n* a\n", left, ARRAY_LEN(left));
    check("* f\n| * e\n| | * d\n| | |\\\n|_|_|/\n|/| |\n| | * c\n|_|/\n|/|\n| * b\n|/\n* a\n", far,
          ARRAY_LEN(far));
}

/* Each row is drawn as far as its columns go, at most so far; links of what is not drawn are
 * not. */
static void test_wide(void **state)
{
    enum { WIDE = 3 * GRAPH_COLUMNS_MAX };
    struct graph graph = {0};
    struct text out = {0};
    const struct bytes32 origin = {{1, 1}};
    (void)state;
    for (size_t i = 0; i < WIDE; i++) {
        const struct bytes32 id = {{2, (uint8_t)i}}, parent = {{3, (uint8_t)i}};
        out.len = 0;
        assert_int_equal(graph_row(&graph, &out, &id), i);
        size_t drawn = i < GRAPH_COLUMNS_MAX ? i + 1 : GRAPH_COLUMNS_MAX + 1;
        assert_int_equal(out.len, 2 * drawn);
        assert_int_equal(out.at[out.len - 2], '*');
        out.len = 0;
        graph_links(&graph, &out, &id, &parent, 1);
        assert_int_equal(out.len, 0);
    }
    out.len = 0;
    (void)graph_row(&graph, &out, &(struct bytes32){{3, 0}});
    assert_int_equal(out.at[0], '*');
    assert_int_equal(out.at[out.len - 2], '>');
    out.len = 0;
    for (size_t i = WIDE; i-- > 0;) { /* the last two of them meet where nothing is drawn */
        const struct bytes32 parent = {{3, (uint8_t)i}};
        graph_links(&graph, &out, &parent, &origin, 1);
        if (i == WIDE - 2)
            assert_int_equal(out.len, 0);
    }
    assert_int_equal(graph.count, 1);
    graph_links(&graph, &out, &(struct bytes32){{9}}, &origin, 1); /* that was not drawn */
    assert_int_equal(graph.count, 1);
    text_clear(&out);
    graph_clear(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_drawn), cmocka_unit_test(test_crossed),
                                       cmocka_unit_test(test_wide)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

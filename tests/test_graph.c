/* Histories as they are drawn: a line, a fork that meets again, two beginnings, three at once. */
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
        graph_row(&graph, out, &id);
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
    check("* d\n| \\ \n* | c\n| * b\n| / \n* a\n", fork, ARRAY_LEN(fork));
    check("* c\n| * b\n| / \n* a\n", heads, ARRAY_LEN(heads));
    check("* d\n| * c\n* | b\n  / \n* a\n", apart, ARRAY_LEN(apart));
    check("* e\n| \\ \\ \n* | | d\n| * | c\n| / / \n| * b\n| / \n* a\n", three, ARRAY_LEN(three));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_drawn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

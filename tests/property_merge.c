/* Law: whatever way rows are spread over runs and fed in, what comes out is their union, newest
 * first, then lowest id, each once. */
#include "relay/merge.h"

#include "relay/frame.h"
#include "tests/random.h"
#include "tests/test.h"

enum { ROUNDS = 2000, RUNS_MAX = 6, ROWS_MAX = 40 };

struct world {
    struct merge_row rows[ROWS_MAX]; /* sorted, all different */
    uint32_t count;
    bool has[RUNS_MAX][ROWS_MAX]; /* which run holds which row */
    uint32_t fed[RUNS_MAX];       /* rows considered so far */
    uint32_t runs;
};

static void make(struct world *world)
{
    int64_t created_at = 1000;
    uint8_t low = 0;
    *world = (struct world){.runs = 1 + random_below(RUNS_MAX), .count = random_below(ROWS_MAX)};
    for (uint32_t i = 0; i < world->count; i++) {
        if (random_below(2) == 0) {
            created_at -= 1 + random_below(3);
            low = 0;
        }
        low++;
        world->rows[i].created_at = created_at;
        world->rows[i].id.at[0] = low; /* decides between rows of one time */
        world->rows[i].id.at[31] = (uint8_t)i;
        for (uint32_t run = 0; run < world->runs; run++)
            world->has[run][i] = random_below(2) == 0;
    }
}

/* A page of a run: some rows, perhaps none, perhaps the end. */
static void feed(struct merge *merge, struct world *world, uint32_t run)
{
    for (uint32_t more = random_below(8); more > 0 && world->fed[run] < world->count; more--) {
        uint32_t i = world->fed[run]++;
        if (!world->has[run][i])
            continue;
        struct merge_row row = world->rows[i];
        row.frame = frame_new(SPAN_OF(row.id));
        merge_push(merge, run, &row);
    }
    if (world->fed[run] == world->count)
        merge_end(merge, run);
}

static bool is_in_some_run(const struct world *world, uint32_t i)
{
    for (uint32_t run = 0; run < world->runs; run++)
        if (world->has[run][i])
            return true;
    return false;
}

static void expect_row(const struct world *world, uint32_t *next, const struct merge_row *row)
{
    while (*next < world->count && !is_in_some_run(world, *next))
        ++*next;
    assert_true(*next < world->count);
    assert_memory_equal(&row->id, &world->rows[*next].id, sizeof row->id);
    assert_memory_equal(row->frame->at, &row->id, sizeof row->id);
    ++*next;
}

/* How many rows come out of one random world. */
static uint32_t check_union(void)
{
    struct world world;
    struct merge_row row;
    make(&world);
    struct merge *merge = merge_new(world.runs);
    uint32_t next = 0, rows = 0;
    enum merge_step step;
    while ((step = merge_next(merge, &row)) != MERGE_DONE) {
        if (step == MERGE_ROW) {
            expect_row(&world, &next, &row);
            frame_drop(row.frame);
            rows++;
            continue;
        }
        for (uint32_t run = 0; run < world.runs; run++)
            if (merge_needs(merge, run) && random_below(2) == 0)
                feed(merge, &world, run);
    }
    for (; next < world.count; next++)
        assert_false(is_in_some_run(&world, next));
    merge_free(merge);
    return rows;
}

static void test_union(void **state)
{
    uint32_t rows = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++)
        rows += check_union();
    assert_true(rows > ROUNDS);
}

/* A merge that is given up owns what it still holds: the sanitizer tells. */
static void test_given_up(void **state)
{
    struct world world;
    (void)state;
    do {
        make(&world);
    } while (world.count < 5);
    struct merge *merge = merge_new(world.runs);
    for (uint32_t run = 0; run < world.runs; run++)
        if (!merge_has_ended(merge, run))
            feed(merge, &world, run);
    merge_free(merge);
}

static void test_none(void **state)
{
    struct merge_row row;
    struct merge *merge = merge_new(0);
    (void)state;
    assert_int_equal(merge_next(merge, &row), MERGE_DONE);
    merge_free(merge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_union), cmocka_unit_test(test_none),
                                       cmocka_unit_test(test_given_up)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

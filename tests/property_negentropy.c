/* Random sets on two sides, with random limits of frames: the initiator is told exactly what one
 * side has and the other lacks, in few messages that fit their frames; without limits, each id
 * once. */
#include "shared/negentropy.h"

#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum {
    RECORDS_MAX = 4000,
    ROUNDS = 60,
    SPOKEN_MAX = 5, /* times the initiator speaks where frames are not limited */
};

struct item {
    struct negentropy_record record;
    bool in_ours, in_theirs;
    uint32_t told[2]; /* times, by verdict */
};

static struct item items[RECORDS_MAX];

/* An id ends in the number of its item. Half of them begin like the one before, so that the bounds
 * between them are long. */
static void make_item(uint32_t number, uint32_t times)
{
    struct item *item = &items[number];
    uint32_t same = number > 0 && random_below(2) == 0 ? random_below(29) : 0;
    *item = (struct item){.record.created_at = random_below(times)};
    for (uint32_t i = 0; i < 28; i++)
        item->record.id.at[i] =
            i < same ? items[number - 1].record.id.at[i] : (uint8_t)random_below(256);
    for (uint32_t i = 0; i < 4; i++)
        item->record.id.at[28 + i] = (uint8_t)(number >> (24 - 8 * i));
}

static void on_id(void *owner, enum negentropy_verdict verdict, const struct bytes32 *id)
{
    uint32_t number = 0;
    (void)owner;
    for (uint32_t i = 28; i < 32; i++)
        number = number << 8 | id->at[i];
    assert_true(number < RECORDS_MAX);
    assert_memory_equal(items[number].record.id.at, id->at, sizeof id->at);
    items[number].told[verdict]++;
}

static size_t random_frame(void)
{
    static const size_t frames[] = {0, NEGENTROPY_FRAME_BYTES_MIN, 4500, 8192, 60000};
    return frames[random_below(ARRAY_LEN(frames))];
}

/* Answers message in its own text; false when nothing is said any more. */
static bool answer(const struct negentropy *side, struct text *message)
{
    struct text out = {0};
    text_add(&out, SPAN("kept"));
    if (!negentropy_reconcile(side, &out, text_span(message), NULL))
        fail();
    message->len = 0;
    text_add(message, (struct span){out.at + 4, out.len - 4});
    assert_memory_equal(out.at, "kept", 4);
    text_clear(&out);
    assert_true(side->frame_bytes_max == 0 || message->len <= side->frame_bytes_max);
    return message->len > 0;
}

/* How many times the initiator spoke. */
static uint32_t reconcile(const struct negentropy *ours, const struct negentropy *theirs)
{
    struct text message = {0};
    uint32_t spoken = 1;
    negentropy_initiate(ours, &message);
    do {
        assert_true(answer(theirs, &message));
        assert_true(spoken++ < 1000);
    } while (answer(ours, &message));
    text_clear(&message);
    return spoken - 1;
}

/* The sum of all that was told. */
static uint32_t check_told(uint32_t count, bool is_limited)
{
    uint32_t told = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct item *item = &items[i];
        uint32_t have = item->told[NEGENTROPY_HAVE], need = item->told[NEGENTROPY_NEED];
        assert_int_equal(have > 0, item->in_ours && !item->in_theirs);
        assert_int_equal(need > 0, item->in_theirs && !item->in_ours);
        assert_true(is_limited || have + need <= 1);
        told += have + need;
    }
    return told;
}

/* Fills both sides from random items; how many there are. */
static uint32_t make_sides(struct negentropy *a, struct negentropy *b)
{
    static struct negentropy_record ours[RECORDS_MAX], theirs[RECORDS_MAX];
    static const uint32_t times[] = {1, 20, 4000, UINT32_MAX};
    static const uint32_t shares[] = {0, 1, 10, 50, 100};
    uint32_t span = times[random_below(ARRAY_LEN(times))];
    uint32_t lone_ours = shares[random_below(ARRAY_LEN(shares))]; /* percent in one set only */
    uint32_t lone_theirs = shares[random_below(ARRAY_LEN(shares))];
    uint32_t count = random_below(3) == 0 ? random_below(100) : random_below(RECORDS_MAX);
    *a = (struct negentropy){.records = ours, .frame_bytes_max = random_frame(), .on_id = on_id};
    *b = (struct negentropy){.records = theirs, .frame_bytes_max = random_frame()};
    for (uint32_t i = 0; i < count; i++) {
        make_item(i, span);
        items[i].in_ours = random_below(100) >= lone_theirs;
        items[i].in_theirs = random_below(100) >= lone_ours;
        if (items[i].in_ours)
            ours[a->count++] = items[i].record;
        if (items[i].in_theirs)
            theirs[b->count++] = items[i].record;
    }
    a->count = negentropy_seal(ours, a->count);
    b->count = negentropy_seal(theirs, b->count);
    return count;
}

static void test_difference(void **state)
{
    uint32_t told = 0, full = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct negentropy ours, theirs;
        uint32_t count = make_sides(&ours, &theirs);
        bool is_limited = ours.frame_bytes_max != 0 || theirs.frame_bytes_max != 0;
        uint32_t spoken = reconcile(&ours, &theirs);
        told += check_told(count, is_limited);
        full += spoken > SPOKEN_MAX;
        assert_true(spoken <= SPOKEN_MAX + (is_limited ? count / 40 : 0));
    }
    assert_true(told > 1000 && full > 0); /* the sets did differ, and frames were too small */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_difference)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

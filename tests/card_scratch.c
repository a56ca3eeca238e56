#include "tests/card_scratch.h"

#include <stdlib.h>

#include "tests/random.h"
#include "tests/test.h"

enum { TAKEN_MAX = 64 };

const struct card *card;

/* What a check has taken, here and there; let_go gives it back. */
static void *ours[TAKEN_MAX], *theirs[TAKEN_MAX];
static size_t our_count, their_count;

void *room(size_t bytes)
{
    assert_true(our_count < TAKEN_MAX);
    void *at = calloc(bytes + 1, 1);
    assert_non_null(at);
    return ours[our_count++] = at;
}

void *take(size_t bytes)
{
    assert_true(their_count < TAKEN_MAX);
    void *at = card->take(bytes);
    assert_non_null(at);
    return theirs[their_count++] = at;
}

void *put(const void *from, size_t bytes)
{
    void *to = take(bytes);
    card->put(to, from, bytes);
    return to;
}

void let_go(void)
{
    while (our_count > 0)
        free(ours[--our_count]);
    while (their_count > 0)
        card->give(theirs[--their_count]);
}

float *any_floats(size_t count)
{
    float *numbers = room(count * sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = ((float)random_below(2000001) - 1e6F) * 2e-6F;
    return numbers;
}

void assert_has(const void *memory, const void *want, size_t bytes)
{
    char *got = room(bytes);
    card->get(got, memory, bytes);
    const char *fault = card->finish();
    if (fault != NULL)
        fail_msg("%s", fault);
    assert_memory_equal(got, want, bytes);
}

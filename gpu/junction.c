#include "gpu/junction.h"

#include <assert.h>
#include <stdlib.h>

struct end {
    struct source source;
    struct junction *junction;
    uint64_t tag; /* the highest bits of its numbers */
};

struct junction {
    struct source *source;
    struct end ends[JUNCTION_ENDS_MAX];
};

static const uint64_t mask = (UINT64_C(1) << JUNCTION_NUMBER_BITS) - 1;

static struct source *listener_of(struct junction *junction, uint64_t number)
{
    return &junction->ends[number >> JUNCTION_NUMBER_BITS].source;
}

static void on_piece(void *owner, uint64_t number, const struct source_piece *piece)
{
    struct source *to = listener_of(owner, number);
    to->piece(to->owner, number & mask, piece);
}

static void on_end(void *owner, uint64_t number, const struct source_end *end)
{
    struct source *to = listener_of(owner, number);
    to->end(to->owner, number & mask, end);
}

static void submit(struct source *source, uint64_t number, const struct ask *ask, uint32_t index)
{
    const struct end *end = (struct end *)source;
    struct source *inner = end->junction->source;
    assert(number <= mask);
    inner->submit(inner, number | end->tag, ask, index);
}

static void cancel(struct source *source, uint64_t number)
{
    const struct end *end = (struct end *)source;
    struct source *inner = end->junction->source;
    inner->cancel(inner, number | end->tag);
}

struct junction *junction_new(struct source *source)
{
    struct junction *junction = calloc(1, sizeof *junction);
    if (junction == NULL)
        abort();
    junction->source = source;
    source->piece = on_piece;
    source->end = on_end;
    source->owner = junction;
    for (uint32_t i = 0; i < JUNCTION_ENDS_MAX; i++)
        junction->ends[i] = (struct end){.source = {.submit = submit, .cancel = cancel},
                                         .junction = junction,
                                         .tag = (uint64_t)i << JUNCTION_NUMBER_BITS};
    return junction;
}

void junction_free(struct junction *junction)
{
    free(junction);
}

struct source *junction_end(struct junction *junction, uint32_t index)
{
    assert(index < JUNCTION_ENDS_MAX);
    return &junction->ends[index].source;
}

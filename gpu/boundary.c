#include "gpu/boundary.h"

#include <assert.h>

void boundary_clear(struct boundary *boundary)
{
    text_clear(&boundary->rows);
    *boundary = (struct boundary){0};
}

void boundary_add(struct boundary *boundary, const float *rows, uint32_t count, bool is_wanted)
{
    size_t bytes = activation_bytes(boundary->activation, boundary->width);
    for (uint32_t i = 0; i < count; i++) {
        activation_write(text_reserve(&boundary->rows, bytes), boundary->activation,
                         rows + (size_t)i * boundary->width, boundary->width);
        boundary->rows.len += bytes;
    }
    boundary->count += count;
    if (is_wanted)
        boundary->wanted = boundary->count;
}

void boundary_open(struct boundary *boundary, uint32_t link, uint32_t epoch_min)
{
    boundary->epoch = boundary->epoch < epoch_min ? epoch_min : boundary->epoch + 1;
    boundary->link = link;
    boundary->state = BOUNDARY_OPENING;
    boundary->sent = boundary->limit = 0;
}

void boundary_shut(struct boundary *boundary)
{
    boundary->link = boundary->crossed = 0;
    boundary->state = BOUNDARY_SHUT;
}

bool boundary_ack(struct boundary *boundary, uint32_t have, uint32_t credits)
{
    uint32_t limit = have + credits;
    if (boundary->state == BOUNDARY_OPENING) {
        /* It may have more than we: then it had it of one before us, and needs nothing yet. */
        boundary->sent = have;
        boundary->state = BOUNDARY_FLOWING;
    }
    if (boundary->state == BOUNDARY_SHUT || have > boundary->sent)
        return false;
    if (limit > boundary->limit)
        boundary->limit = limit;
    return true;
}

uint32_t boundary_ready(const struct boundary *boundary)
{
    uint32_t end = boundary->count < boundary->limit ? boundary->count : boundary->limit;
    return boundary->state == BOUNDARY_FLOWING && end > boundary->sent ? end - boundary->sent : 0;
}

struct wire boundary_next(struct boundary *boundary)
{
    size_t bytes = activation_bytes(boundary->activation, boundary->width);
    uint32_t count = boundary_ready(boundary);
    uint32_t most = (uint32_t)(BOUNDARY_PIECE_BYTES / bytes);
    assert(count > 0);
    if (most == 0)
        most = 1;
    if (most > BOUNDARY_PIECE_ROWS)
        most = BOUNDARY_PIECE_ROWS;
    if (count > most)
        count = most;
    if (boundary->wanted > boundary->sent && boundary->wanted - boundary->sent < count)
        count = boundary->wanted - boundary->sent;
    struct wire wire = {.type = WIRE_HIDDEN,
                        .activation = boundary->activation,
                        .flags = boundary->wanted == boundary->sent + count ? WIRE_WANTED : 0,
                        .epoch = boundary->epoch,
                        .position = boundary->sent,
                        .count = count,
                        .width = boundary->width,
                        .payload = {boundary->rows.at + boundary->sent * bytes, count * bytes}};
    boundary->sent += count;
    boundary->crossed += count;
    return wire;
}

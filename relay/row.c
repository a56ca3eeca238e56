#include "relay/row.h"

#include <assert.h>
#include <endian.h>

#include "relay/log.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"

static struct span field(const PGresult *result, int row, int column)
{
    return (struct span){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

static bool copy(void *out, size_t size, struct span bytes)
{
    if (bytes.len != size)
        return false;
    memcpy(out, bytes.at, size);
    return true;
}

int64_t row_int8(const PGresult *result, int row, int column)
{
    uint64_t big;
    bool is_int8 = copy(&big, sizeof big, field(result, row, column));
    assert(is_int8);
    return (int64_t)be64toh(big);
}

int32_t row_int4(const PGresult *result, int row, int column)
{
    uint32_t big;
    bool is_int4 = copy(&big, sizeof big, field(result, row, column));
    assert(is_int4);
    return (int32_t)be32toh(big);
}

bool row_event(struct event *event, struct arena *arena, const PGresult *result, int row)
{
    struct err err = {.text = "a wrong length"};
    struct span sig = field(result, row, 5);
    int32_t kind = row_int4(result, row, 3);
    *event = (struct event){.created_at = row_int8(result, row, 2),
                            .kind = (uint16_t)kind,
                            .content_json = field(result, row, 6)};
    if (copy(event->id.at, sizeof event->id, field(result, row, 0)) &&
        copy(event->pubkey.at, sizeof event->pubkey, field(result, row, 1)) &&
        (sig.len == 0 || copy(event->sig.at, sizeof event->sig, sig)) && kind >= 0 &&
        kind <= UINT16_MAX && event_parse_tags(event, arena, field(result, row, 4), &err))
        return true;
    log_error("row", "a stored event cannot be read: %s", err.text);
    return false;
}

void row_copy_event(struct event *to, struct arena *arena, const struct event *from)
{
    *to = *from;
    struct tag *tags = arena_array(arena, struct tag, from->tag_count);
    for (uint32_t i = 0; i < from->tag_count; i++) {
        struct span *items = arena_array(arena, struct span, from->tags[i].count);
        for (uint32_t k = 0; k < from->tags[i].count; k++)
            items[k] = arena_copy(arena, from->tags[i].items[k]);
        tags[i] = (struct tag){items, from->tags[i].count};
    }
    to->tags = tags;
    to->tags_json = arena_copy(arena, from->tags_json);
    to->content_json = arena_copy(arena, from->content_json);
}

#include "client/catalog_tags.h"

#include <stdlib.h>

#include "client/sql.h"
#include "shared/event.h"
#include "shared/hex.h"

enum { HEX_CHARS = 64 };

/* A value as the table has it: 64 hex digits as bytes, under a name of two letters. */
struct catalog_tag {
    char name[2];
    uint8_t name_len;
    struct span value;
    int64_t n;
};

/* Points into the event, or into bytes. */
static struct catalog_tag row_of(uint8_t bytes[32], int64_t n, const struct tag *tag)
{
    struct catalog_tag row = {.name = {tag->items[0].at[0], 'x'}, .n = n};
    bool is_hex = tag->items[1].len == HEX_CHARS && hex_decode(bytes, 32, tag->items[1]);
    row.name_len = is_hex ? 2 : 1;
    row.value = is_hex ? (struct span){(const char *)bytes, 32} : tag->items[1];
    return row;
}

static bool has_letter(const struct tag *tag)
{
    char c = tag->count >= 2 && tag->items[0].len == 1 ? tag->items[0].at[0] : '\0';
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void catalog_tags_add(struct catalog_tags *tags, int64_t n, const struct event *event)
{
    uint8_t bytes[32];
    for (uint32_t i = 0; i < event->tag_count; i++) {
        if (!has_letter(&event->tags[i]))
            continue;
        struct catalog_tag row = row_of(bytes, n, &event->tags[i]);
        row.value = arena_copy(&tags->arena, row.value);
        tags->at = arena_grow(&tags->arena, struct catalog_tag, tags->at, tags->count);
        tags->at[tags->count++] = row;
    }
}

static int compare_spans(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* As the primary key of the table. */
static int compare(const void *a, const void *b)
{
    const struct catalog_tag *x = a, *y = b;
    int order =
        compare_spans((struct span){x->name, x->name_len}, (struct span){y->name, y->name_len});
    if (order == 0)
        order = compare_spans(x->value, y->value);
    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

bool catalog_tags_flush(struct catalog_tags *tags, struct sql *sql, struct err *err)
{
    bool ok = true;
    if (tags->count > 1)
        qsort(tags->at, tags->count, sizeof *tags->at, compare);
    for (size_t i = 0; ok && i < tags->count; i++) {
        const struct catalog_tag *row = &tags->at[i];
        ok = sql_run(sql, err, "INSERT OR IGNORE INTO tag VALUES (?, ?, ?)", "sxi",
                     (struct span){row->name, row->name_len}, row->value, row->n);
    }
    catalog_tags_clear(tags);
    return ok;
}

void catalog_tags_clear(struct catalog_tags *tags)
{
    arena_clear(&tags->arena);
    *tags = (struct catalog_tags){0};
}

bool catalog_tags_remove(struct catalog_tags *tags, struct sql *sql, int64_t n,
                         const struct event *event, struct err *err)
{
    uint8_t bytes[32];
    if (!catalog_tags_flush(tags, sql, err)) /* they may be among those */
        return false;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        if (!has_letter(&event->tags[i]))
            continue;
        const struct catalog_tag row = row_of(bytes, n, &event->tags[i]);
        if (!sql_run(sql, err, "DELETE FROM tag WHERE name = ? AND value = ? AND n = ?", "sxi",
                     (struct span){row.name, row.name_len}, row.value, n))
            return false;
    }
    return true;
}

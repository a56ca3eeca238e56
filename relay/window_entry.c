#include "relay/window_entry.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "relay/frame.h"
#include "relay/store_mark.h"
#include "shared/event.h"

/* Odd numbers that keep apart the keys of one thing under several names. */
#define SPREAD_KIND 0x9e3779b97f4a7c15
#define SPREAD_LETTER 0xc2b2ae3d27d4eb4f
enum { KIND_ADDRESSED = 1 << 16 }; /* no kind */

struct store_cursor window_place_of(int64_t created_at, const struct bytes32 *id)
{
    struct store_cursor place = {.created_at = created_at};
    memcpy(&place.id_prefix, id->at, sizeof place.id_prefix);
    place.id_prefix = be64toh(place.id_prefix);
    return place;
}

struct store_cursor window_place_before(struct store_cursor place)
{
    if (place.id_prefix == 0 && place.created_at < INT64_MAX)
        return (struct store_cursor){place.created_at + 1, UINT64_MAX};
    return (struct store_cursor){place.created_at, place.id_prefix - (place.id_prefix > 0)};
}

uint64_t window_key_author(const struct hash_key *key, const struct bytes32 *pubkey)
{
    return hash_bytes(key, SPAN_OF(*pubkey));
}

uint64_t window_key_tag(const struct hash_key *key, char letter, struct span value)
{
    return hash_bytes(key, value) + (unsigned char)letter * SPREAD_LETTER;
}

uint64_t window_key_kind(uint16_t kind)
{
    return (kind + 1) * SPREAD_KIND;
}

uint64_t window_key_author_kind(uint64_t author, uint16_t kind)
{
    return author + window_key_kind(kind);
}

uint64_t window_key_addressed(uint64_t author)
{
    return author + (KIND_ADDRESSED + 1) * SPREAD_KIND;
}

static uint64_t address_of(const struct hash_key *key, const struct event *event)
{
    struct store_address address;
    if (!store_address_of(&address, key, event))
        return 0;
    return (uint64_t)store_mark_of_address(key, &event->pubkey, &address);
}

static bool is_indexed(const struct tag *tag)
{
    if (tag->count < 2 || tag->items[0].len != 1)
        return false;
    char letter = tag->items[0].at[0];
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void add_tags(struct window_entry *entry, const struct hash_key *key,
                     const struct event *event)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (is_indexed(tag))
            entry->tags[count++] = window_key_tag(key, tag->items[0].at[0], tag->items[1]);
    }
    if (count > 1)
        qsort(entry->tags, count, sizeof entry->tags[0], compare_keys);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || entry->tags[i] != entry->tags[i - 1])
            entry->tags[entry->tag_count++] = entry->tags[i];
}

struct window_entry *window_entry_new(const struct hash_key *key, const struct event *event,
                                      struct frame *frame)
{
    uint32_t tags = 0;
    for (uint32_t i = 0; i < event->tag_count; i++)
        tags += is_indexed(&event->tags[i]);
    struct window_entry *entry = malloc(sizeof *entry + tags * sizeof entry->tags[0]);
    if (entry == NULL)
        abort();
    *entry = (struct window_entry){.place = window_place_of(event->created_at, &event->id),
                                   .id = event->id,
                                   .pubkey = event->pubkey,
                                   .frame = frame_ref(frame),
                                   .kind = event->kind,
                                   .author = window_key_author(key, &event->pubkey),
                                   .address = address_of(key, event)};
    if (!event_expiration(event, &entry->expires_at))
        entry->expires_at = INT64_MAX;
    add_tags(entry, key, event);
    return entry;
}

void window_entry_free(struct window_entry *entry)
{
    frame_drop(entry->frame);
    free(entry);
}

size_t window_entry_bytes(const struct window_entry *entry)
{
    return window_cost(sizeof *entry + entry->tag_count * sizeof entry->tags[0]) +
           window_cost(sizeof *entry->frame + entry->frame->len);
}

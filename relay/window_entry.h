/* window_entry.h - an event as the window keeps it: its JSON, and by what it is found.
 *
 * Conditions on authors and tags are looked at by 64-bit hashes under a key that nobody outside
 * knows, so values that collide cannot be made on purpose.
 *
 *   units      key: a hash, or a small number spread; 0 is none
 *   ownership  an entry has a reference to its frame
 *   threads    pure
 */
#pragma once

#include "relay/hash.h"
#include "relay/page.h"

struct event;
struct frame;

struct window_entry {
    struct store_cursor place;
    struct bytes32 id, pubkey;
    struct frame *frame; /* the event's JSON */
    int64_t expires_at;  /* INT64_MAX: never */
    uint64_t author;     /* window_key_author */
    uint64_t address;    /* window_key_address; 0: it has none */
    uint16_t kind;
    bool is_suspect; /* waits to be asked for: it may be gone */
    uint32_t tag_count;
    uint64_t tags[]; /* window_key_tag of the tags that a filter can name; sorted, each once */
};

struct window_entry *window_entry_new(const struct hash_key *key, const struct event *event,
                                      struct frame *frame);
void window_entry_free(struct window_entry *entry);

/* About what it takes, with its frame. */
size_t window_entry_bytes(const struct window_entry *entry);

struct store_cursor window_place_of(int64_t created_at, const struct bytes32 *id);

/* In the order newest first, then lowest id. */
static inline bool window_is_after(const struct store_cursor *place,
                                   const struct store_cursor *other)
{
    return place->created_at < other->created_at ||
           (place->created_at == other->created_at && place->id_prefix > other->id_prefix);
}

/* The place before which nothing is that is not before this one: what is after it begins here. */
struct store_cursor window_place_before(struct store_cursor place);

uint64_t window_key_author(const struct hash_key *key, const struct bytes32 *pubkey);
uint64_t window_key_tag(const struct hash_key *key, char letter, struct span value);
uint64_t window_key_kind(uint16_t kind);

/* author: the key of one. */
uint64_t window_key_author_kind(uint64_t author, uint16_t kind);

/* What an author has at addresses. */
uint64_t window_key_addressed(uint64_t author);

/* What malloc takes for size bytes. */
static inline size_t window_cost(size_t size)
{
    size_t cost = (size + 8 + 15) & ~(size_t)15;
    return cost < 32 ? 32 : cost;
}

/* What kinds 5 and 62 do to events that are held, as store_sql.c does it to those that are stored;
 * and the marks they leave for events that come late. */
#include <stdlib.h>

#include "relay/store_insert.h"
#include "relay/store_mark.h"
#include "relay/window_inside.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"

#define SPREAD_GONE 0xd6e8feb86659fd93
#define SPREAD_VANISHED 0xa0761d6478bd642f

static const struct store_cursor everywhere = {.created_at = INT64_MAX};

uint64_t window_key_gone(const struct window *window, const struct bytes32 *id)
{
    return hash_bytes(&window->index.key, SPAN_OF(*id)) + SPREAD_GONE;
}

static uint64_t key_of_id(const struct window *window, const struct bytes32 *author,
                          const struct bytes32 *id)
{
    return (uint64_t)store_mark_of_id(&window->index.key, author, id);
}

static uint64_t key_of_vanished(const struct window *window, const struct bytes32 *pubkey)
{
    return window_key_author(&window->index.key, pubkey) + SPREAD_VANISHED;
}

static uint64_t key_of_named(const struct window *window, const struct bytes32 *pubkey)
{
    char digits[2 * sizeof *pubkey];
    hex_encode(digits, pubkey->at, sizeof *pubkey);
    return window_key_tag(&window->index.key, 'p', SPAN_OF(digits));
}

static bool has_tag(const struct window_entry *entry, uint64_t key)
{
    for (uint32_t i = 0; i < entry->tag_count; i++)
        if (entry->tags[i] == key)
            return true;
    return false;
}

static bool may_delete(const struct window *window, const struct event *deletion,
                       const struct window_entry *entry)
{
    if (memcmp(&entry->pubkey, &deletion->pubkey, sizeof entry->pubkey) == 0 &&
        entry->kind != KIND_DELETION && entry->kind != KIND_VANISH)
        return true;
    return entry->kind == KIND_GIFT_WRAP && has_tag(entry, key_of_named(window, &deletion->pubkey));
}

static void suspect(struct window *window, uint64_t key, bool only_wraps)
{
    const struct window_list *list = window_index_list(&window->index, key);
    if (list == NULL)
        return;
    struct window_walk walk = window_walk_begin(list, NULL);
    for (struct window_entry *entry; (entry = window_walk_next(&walk)) != NULL;)
        if (!only_wraps || entry->kind == KIND_GIFT_WRAP)
            window_suspect(window, entry);
}

/* False when the target is not held. */
static bool delete_id(struct window *window, const struct event *deletion,
                      const struct bytes32 *target, unsigned whose)
{
    struct window_entry *entry = window_index_id(&window->index, target);
    window_mark(&window->marks, key_of_id(window, &deletion->pubkey, target), everywhere, whose);
    if (entry != NULL && may_delete(window, deletion, entry))
        window_index_remove(&window->index, entry);
    return entry != NULL;
}

static void delete_address(struct window *window, const struct event *deletion, struct span value,
                           unsigned whose)
{
    struct store_address address;
    const struct hash_key *key = &window->index.key;
    if (!store_address_parse(&address, key, value, &deletion->pubkey))
        return;
    uint64_t mark = (uint64_t)store_mark_of_address(key, &deletion->pubkey, &address);
    struct window_entry *entry = window_index_address(&window->index, mark);
    window_mark(&window->marks, mark, (struct store_cursor){deletion->created_at, 0}, whose);
    if (entry != NULL && entry->place.created_at <= deletion->created_at)
        window_index_remove(&window->index, entry);
}

/* A target that is not held may have been a version that took the place of one that is, and was
 * deleted before its turn: then it never came. */
static void effect_deletion(struct window *window, const struct event *event, unsigned whose)
{
    bool are_held = true;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        struct bytes32 target;
        if (store_tag_names(tag, 'e', &target))
            are_held &= delete_id(window, event, &target, whose);
        else if (tag->count >= 2 && span_eq(tag->items[0], SPAN("a")))
            delete_address(window, event, tag->items[1], whose);
    }
    uint64_t author = window_key_author(&window->index.key, &event->pubkey);
    if (!are_held)
        suspect(window, window_key_addressed(author), false);
}

/* Removes from the list under key what is of the time of the vanishing or older: of any kind, or
 * gift wraps alone. */
static void remove_until(struct window *window, uint64_t key, const struct event *vanish,
                         bool only_wraps)
{
    struct store_cursor from = {.created_at = vanish->created_at + 1, .id_prefix = UINT64_MAX};
    const struct window_list *list = window_index_list(&window->index, key);
    uint32_t count = 0;
    if (list == NULL)
        return;
    struct window_entry **gone = calloc(list->count, sizeof(struct window_entry *));
    if (gone == NULL)
        abort();
    struct window_walk walk =
        window_walk_begin(list, vanish->created_at == INT64_MAX ? NULL : &from);
    for (struct window_entry *entry; (entry = window_walk_next(&walk)) != NULL;)
        if (memcmp(&entry->id, &vanish->id, sizeof entry->id) != 0 &&
            (!only_wraps || entry->kind == KIND_GIFT_WRAP))
            gone[count++] = entry;
    for (uint32_t i = 0; i < count; i++)
        window_index_remove(&window->index, gone[i]);
    free(gone);
}

/* What is newer stays, unless a deletion named it that vanished before its turn. */
static void effect_vanish(struct window *window, const struct event *event, unsigned whose)
{
    uint64_t author = window_key_author(&window->index.key, &event->pubkey);
    uint64_t named = key_of_named(window, &event->pubkey);
    window_mark(&window->marks, key_of_vanished(window, &event->pubkey),
                (struct store_cursor){event->created_at, 0}, whose);
    remove_until(window, author, event, false);
    remove_until(window, named, event, true);
    suspect(window, author, false);
    suspect(window, named, true);
}

void window_effect(struct window *window, const struct event *event, unsigned whose)
{
    if (event->kind == KIND_DELETION)
        effect_deletion(window, event, whose);
    else if (event->kind == KIND_VANISH)
        effect_vanish(window, event, whose);
}

/* A late event, and what is asked of the marks about it. */
struct late {
    const struct window *window;
    const struct window_entry *entry;
    const struct window_ticket *ticket;
    unsigned whose; /* marks */
};

static bool is_covered(const struct late *late, uint64_t key)
{
    return window_mark_covers(&late->window->marks, key, &late->entry->place, late->ticket,
                              late->whose);
}

/* By those whom a gift wrap names. */
static bool is_wrap_covered(const struct late *late, const struct event *event)
{
    for (uint32_t i = 0; i < event->tag_count; i++) {
        struct bytes32 named;
        if (store_tag_names(&event->tags[i], 'p', &named) &&
            (is_covered(late, key_of_id(late->window, &named, &event->id)) ||
             is_covered(late, key_of_vanished(late->window, &named))))
            return true;
    }
    return false;
}

bool window_is_doubtful(const struct window *window, const struct event *event,
                        const struct window_entry *entry, const struct window_ticket *ticket,
                        unsigned whose)
{
    const struct late late = {window, entry, ticket,
                              whose == WINDOW_ANYBODY ? whose : WINDOW_ANYBODY & ~whose};
    bool can_be_deleted = event->kind != KIND_DELETION && event->kind != KIND_VANISH;
    if (window->marks.marks.count == 0 || window->marks.clock == ticket->clock)
        return false;
    return is_covered(&late, window_key_gone(window, &entry->id)) ||
           is_covered(&late, entry->author + SPREAD_VANISHED) ||
           (entry->address != 0 && is_covered(&late, entry->address)) ||
           (can_be_deleted && is_covered(&late, key_of_id(window, &entry->pubkey, &entry->id))) ||
           (event->kind == KIND_GIFT_WRAP && is_wrap_covered(&late, event));
}

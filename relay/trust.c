#include "relay/trust.h"

#include <stdlib.h>

#include "relay/hash.h"
#include "relay/log.h"
#include "relay/rules.h"
#include "relay/shards.h"
#include "relay/table.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"

/* CHUNK_KEYS: whose lists are read at a time. REFRESH_MS: what another relay's database purged is
 * not told. CHANGE_MS: after a list has changed, at least; more changes may follow. CHANGE_TURNS:
 * so many times as long as the set takes to be made. RETRY_MS: the database is down. LOOK_MS: or
 * not ready. */
enum {
    CHUNK_KEYS = 250,
    REFRESH_MS = 600000,
    CHANGE_MS = 100,
    CHANGE_TURNS = 10,
    RETRY_MS = 500,
    LOOK_MS = 50,
};

/* In a table of keys: whether the key's list is read as well. */
static char is_read, is_trusted;

struct keys {
    struct bytes32 *at;
    uint32_t count, capacity;
};

struct trust {
    struct trust_setup setup;
    uv_timer_t timer;
    struct hash_key key;
    struct keys roots;
    struct table members; /* by hash */
    bool is_ready, has_changed, is_closing;

    uint64_t began_ms, took_ms; /* to make the set */
    /* While a set is made: */
    bool is_making;
    struct table next;
    struct keys readers; /* whose lists are read: the roots first */
    uint32_t root_count; /* of the readers; a root named twice is one */
    uint32_t done;       /* of the readers */
    uint32_t chunk;      /* of them, those asked for now */
    struct store_cursor after;
    bool has_after;
};

static void on_timer(uv_timer_t *timer);

static uint64_t hash_of(const struct trust *trust, const struct bytes32 *key)
{
    return hash_bytes(&trust->key, SPAN_OF(*key));
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

static void append(struct keys *keys, const struct bytes32 *key)
{
    if (keys->count == keys->capacity) {
        keys->capacity = keys->capacity == 0 ? 64 : keys->capacity * 2;
        keys->at = realloc(keys->at, keys->capacity * sizeof *keys->at);
        if (keys->at == NULL)
            abort();
    }
    keys->at[keys->count++] = *key;
}

static void add_root(void *owner, const struct bytes32 *key)
{
    struct trust *trust = owner;
    append(&trust->roots, key);
}

/* What an attempt has made so far is dropped. */
static void forget_attempt(struct trust *trust)
{
    table_clear(&trust->next);
    free(trust->readers.at);
    trust->readers = (struct keys){0};
    trust->is_making = false;
}

static void again_in(struct trust *trust, uint64_t ms)
{
    if (!trust->is_closing)
        uv_timer_start(&trust->timer, on_timer, ms, 0);
}

static void take(struct trust *trust, const struct bytes32 *key, bool reads)
{
    uint64_t hash = hash_of(trust, key);
    if (table_get(&trust->next, hash) != NULL ||
        (int64_t)trust->next.count >= trust->setup.keys_max)
        return;
    table_put(&trust->next, hash, reads ? &is_read : &is_trusted);
    if (reads)
        append(&trust->readers, key);
}

static void take_list(struct trust *trust, const struct event *event)
{
    bool is_root = trust->done < trust->root_count;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        struct bytes32 key;
        if (tag->count >= 2 && span_eq(tag->items[0], SPAN("p")) &&
            hex_decode(key.at, sizeof key.at, tag->items[1]))
            take(trust, &key, is_root && trust->setup.depth > 1);
    }
}

static uint64_t change_ms(const struct trust *trust)
{
    uint64_t ms = CHANGE_TURNS * trust->took_ms;
    return ms < CHANGE_MS ? CHANGE_MS : ms < REFRESH_MS ? ms : REFRESH_MS;
}

static void finish(struct trust *trust)
{
    struct table old = trust->members;
    trust->members = trust->next;
    trust->next = old;
    forget_attempt(trust);
    trust->is_ready = true;
    trust->took_ms = uv_now(trust->timer.loop) - trust->began_ms;
    log_info("trust", "keys=%zu", trust->members.count);
    again_in(trust, trust->has_changed ? change_ms(trust) : REFRESH_MS);
}

static void read_chunk(struct trust *trust);

static void on_page(void *owner, const struct store_page *page)
{
    struct trust *trust = owner;
    if (page == NULL) {
        forget_attempt(trust);
        again_in(trust, RETRY_MS);
        return;
    }
    for (uint32_t i = 0; i < page->count; i++)
        take_list(trust, &page->events[i]);
    trust->has_after = !page->finished;
    trust->after = page->next;
    if (page->finished)
        trust->done += trust->chunk;
    if (trust->done < trust->readers.count)
        read_chunk(trust);
    else
        finish(trust);
}

/* Roots and others are never in one chunk. */
static void read_chunk(struct trust *trust)
{
    static const uint16_t kind = KIND_FOLLOWS;
    uint32_t end = trust->done < trust->root_count ? trust->root_count : trust->readers.count;
    trust->chunk = end - trust->done < CHUNK_KEYS ? end - trust->done : CHUNK_KEYS;
    struct bytes32 keys[CHUNK_KEYS];
    memcpy(keys, trust->readers.at + trust->done, trust->chunk * sizeof *keys);
    qsort(keys, trust->chunk, sizeof *keys, compare_keys);
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .authors = {trust->chunk, keys},
                                  .kinds = {1, &kind}};
    const struct store_read read = {.filter = &filter,
                                    .after = trust->has_after ? &trust->after : NULL,
                                    .rows = STORE_PAGE_ROWS_MAX,
                                    .brief = true,
                                    .reply = on_page,
                                    .owner = trust};
    if (shards_read(trust->setup.store, &read, NULL))
        return;
    forget_attempt(trust);
    again_in(trust, RETRY_MS);
}

static void on_timer(uv_timer_t *timer)
{
    struct trust *trust = timer->data;
    if (!shards_is_ready(trust->setup.store)) {
        again_in(trust, LOOK_MS);
        return;
    }
    trust->is_making = true;
    trust->began_ms = uv_now(timer->loop);
    trust->has_changed = trust->has_after = false;
    trust->done = 0;
    for (uint32_t i = 0; i < trust->roots.count; i++)
        take(trust, &trust->roots.at[i], true);
    trust->root_count = trust->readers.count;
    read_chunk(trust);
}

/* On failure the roots are those before. */
static bool read_roots(struct trust *trust, struct err *err)
{
    struct keys before = trust->roots;
    struct err why;
    trust->roots = (struct keys){0};
    bool is_good = rules_read_keys(trust->setup.roots, add_root, trust, &why) &&
                   (trust->roots.count > 0 || err_set(&why, ERR_INVALID, "names none"));
    struct keys unused = is_good ? before : trust->roots;
    free(unused.at);
    if (is_good)
        return true;
    trust->roots = before;
    return err_set(err, ERR_INVALID, "trust_roots: %.90s", why.text);
}

struct trust *trust_new(uv_loop_t *loop, const struct trust_setup *setup, struct err *err)
{
    struct trust *trust = calloc(1, sizeof *trust);
    if (trust == NULL)
        abort();
    trust->setup = *setup;
    trust->key = hash_key_random();
    if (!read_roots(trust, err)) {
        free(trust);
        return NULL;
    }
    trust->timer.data = trust;
    uv_timer_init(loop, &trust->timer);
    again_in(trust, 0);
    return trust;
}

bool trust_reread(struct trust *trust, struct err *err)
{
    if (!read_roots(trust, err))
        return false;
    shards_forget(trust->setup.store, trust);
    forget_attempt(trust);
    again_in(trust, 0);
    return true;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void trust_free(struct trust *trust)
{
    trust->is_closing = true;
    shards_forget(trust->setup.store, trust);
    forget_attempt(trust);
    table_clear(&trust->members);
    free(trust->roots.at);
    uv_close((uv_handle_t *)&trust->timer, on_closed);
}

static bool has(const void *owner, const struct bytes32 *key)
{
    const struct trust *trust = owner;
    return table_get(&trust->members, hash_of(trust, key)) != NULL;
}

bool trust_is_ready(const struct trust *trust)
{
    return trust->is_ready;
}

bool trust_admits(const struct trust *trust, const struct event *event, struct err *err)
{
    if (!trust->is_ready)
        return err_set(err, ERR_INTERNAL, "the relay does not know yet whom it trusts; try again");
    if (!rules_counts_as(event, has, trust))
        return err_set(err, ERR_RESTRICTED, "nobody whom this relay trusts follows this key");
    return true;
}

void trust_saw(struct trust *trust, const struct event *event)
{
    if (event->kind != KIND_FOLLOWS ||
        table_get(&trust->members, hash_of(trust, &event->pubkey)) != &is_read)
        return;
    if (!trust->has_changed && !trust->is_making)
        again_in(trust, change_ms(trust));
    trust->has_changed = true;
}

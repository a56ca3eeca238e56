#include "tests/lazy_store.h"

#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/text.h"
#include "tests/random_event.h"
#include "tests/test.h"

struct event lazy_events[LAZY_EVENTS_MAX];
uint32_t lazy_committed, lazy_pending;
bool lazy_is_ready;
static struct arena events_arena;

struct pending {
    struct store_read read;
    struct arena arena;
    struct filter filter;
    struct store_cursor after;
};

static struct pending pending[LAZY_PENDING_MAX];

bool shards_is_ready(const struct shards *shards)
{
    (void)shards;
    return lazy_is_ready;
}

bool shards_read(struct shards *shards, const struct store_read *read, struct err *err)
{
    struct text text = {0};
    (void)shards;
    if (lazy_pending == LAZY_PENDING_MAX || !lazy_is_ready)
        return err_set(err, ERR_INTERNAL, "no room");
    struct pending *new = &pending[lazy_pending++];
    *new = (struct pending){.read = *read};
    filter_write(&text, read->filter);
    struct span copy = arena_copy(&new->arena, text_span(&text));
    assert_true(filter_parse(&new->filter, &new->arena, copy, NULL));
    text_clear(&text);
    new->read.filter = NULL;
    if (read->after != NULL)
        new->after = *read->after;
    return true;
}

static struct pending take_pending(uint32_t i)
{
    struct pending taken = pending[i];
    pending[i] = pending[--lazy_pending];
    return taken;
}

void shards_forget(struct shards *shards, const void *owner)
{
    (void)shards;
    for (uint32_t i = lazy_pending; i-- > 0;)
        if (pending[i].read.owner == owner) {
            struct pending gone = take_pending(i);
            arena_clear(&gone.arena);
        }
}

static struct store_cursor place_of(const struct event *event)
{
    struct store_cursor place = {.created_at = event->created_at};
    for (int i = 0; i < 8; i++)
        place.id_prefix = place.id_prefix << 8 | event->id.at[i];
    return place;
}

int lazy_compare(const void *a, const void *b)
{
    const struct event *left = a;
    const struct event *right = b;
    if (left->created_at != right->created_at)
        return left->created_at > right->created_at ? -1 : 1;
    return memcmp(&left->id, &right->id, sizeof left->id);
}

static bool is_after(const struct event *event, const struct pending *asked)
{
    if (asked->read.after == NULL)
        return true;
    struct store_cursor place = place_of(event);
    if (place.created_at != asked->after.created_at)
        return place.created_at < asked->after.created_at;
    return place.id_prefix > asked->after.id_prefix;
}

/* Answers one read with what is lazy_committed by now, perhaps less of it than there is. */
void lazy_answer(uint32_t number, bool is_failing)
{
    struct pending asked = take_pending(number);
    struct event rows[LAZY_EVENTS_MAX];
    struct store_page page = {.events = rows, .finished = true};
    for (uint32_t i = 0; i < lazy_committed; i++)
        if (filter_match(&asked.filter, &lazy_events[i]) && is_after(&lazy_events[i], &asked))
            rows[page.count++] = lazy_events[i];
    qsort(rows, page.count, sizeof rows[0], lazy_compare);
    uint32_t most = random_below(4) == 0 ? random_below(asked.read.rows) + 1 : asked.read.rows;
    if (page.count > most) {
        page.count = most;
        page.finished = false;
        page.next = place_of(&rows[most - 1]);
    }
    asked.read.reply(asked.read.owner, is_failing ? NULL : &page);
    arena_clear(&asked.arena);
}

void lazy_commit(void)
{
    struct text text = {0};
    struct bytes32 id = sig_sha256(SPAN_OF(lazy_committed));
    struct bytes32 pubkey = random_key();
    struct bytes64 sig = {{1}};
    text_add(&text, SPAN("{\"id\":\""));
    text_add_hex(&text, id.at, sizeof id.at);
    text_add(&text, SPAN("\",\"pubkey\":\""));
    text_add_hex(&text, pubkey.at, sizeof pubkey.at);
    text_addf(&text, "\",\"created_at\":%u,\"kind\":%u,\"tags\":", random_below(6),
              1 + random_below(2)); /* kinds of which all are kept */
    add_random_tags(&text);
    text_addf(&text, ",\"content\":\"%0*d\",\"sig\":\"", (int)random_below(600), 0);
    text_add_hex(&text, sig.at, sizeof sig.at);
    text_add(&text, SPAN("\"}"));
    struct span copy = arena_copy(&events_arena, text_span(&text));
    assert_true(event_parse(&lazy_events[lazy_committed], &events_arena, copy, NULL));
    lazy_committed++;
    text_clear(&text);
}

void lazy_clear(void)
{
    arena_clear(&events_arena);
    lazy_committed = 0;
}

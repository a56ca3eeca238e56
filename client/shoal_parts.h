/* shoal_parts.h - what is behind the handles of shoal.h. Part of shoal. */
#pragma once

#include "client/shoal.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

struct basket;
struct holder;
struct keys;
struct pen;
struct store;

struct shoal_keys {
    struct holder *holder;
    const struct keys *keys; /* the holder's */
    char pubkey[SHOAL_HEX_SIZE];
};

struct shoal_store {
    struct store *store;
    struct basket *basket; /* of the sync that runs, NULL when none does */
};

/* Not for the library's users. */
#define SHOAL_INSIDE __attribute__((visibility("hidden")))

/* Zeroed. */
SHOAL_INSIDE void *shoal_alloc(size_t size) __attribute__((malloc, returns_nonnull));

SHOAL_INSIDE uint64_t shoal_now_ms(void);
SHOAL_INSIDE void shoal_hex(char hex[SHOAL_HEX_SIZE], const struct bytes32 *value);

/* NULL is the empty text. */
SHOAL_INSIDE struct span shoal_span(const char *text);

/* Tells why. False, as err_set. */
SHOAL_INSIDE bool shoal_fail(struct shoal_error *error, const struct err *err);

/* Reads an event, which lives in the arena, and checks its id and signature. */
SHOAL_INSIDE MUST_CHECK bool shoal_event_read(struct event *event, struct arena *arena,
                                              struct span json, struct err *err);

/* Before the store is used: what a sync fetched is in it, and the clock is now's. */
SHOAL_INSIDE MUST_CHECK bool shoal_store_ready(struct shoal_store *store, struct err *err);

/* Names the event that people paste. */
SHOAL_INSIDE MUST_CHECK bool shoal_reference(struct bytes32 *id, const char *word,
                                             struct shoal_error *error);

/* Reading, deciding and writing as one transaction, queued for the store's relays. */
typedef bool shoal_write_fn(void *owner, struct pen *pen, struct err *err);
SHOAL_INSIDE MUST_CHECK bool shoal_write(struct shoal_store *store, const struct shoal_keys *keys,
                                         shoal_write_fn *fn, void *owner,
                                         struct shoal_error *error);

/* trust.h - a web of trust: some keys, whom they follow and, two steps out, whom those follow.
 *
 * The follow lists (kind 3) are those stored here. They are read again in the background when one
 * of them changes, and now and then; until the new set is whole the old one counts.
 *
 *   threads  loop thread only
 *   errors   ERR_RESTRICTED; ERR_INTERNAL until the first set is whole
 *   spec     NIP-02
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct err;
struct event;
struct shards;
struct trust;

struct trust_setup {
    struct shards *store;
    const char *roots; /* as rules.h reads keys */
    int64_t depth;     /* 1: whom the roots follow; 2: and whom those follow */
    int64_t keys_max;  /* more are not taken in */
};

/* NULL: the roots cannot be read, or are none. */
struct trust *trust_new(uv_loop_t *loop, const struct trust_setup *setup, struct err *err);
void trust_free(struct trust *trust);

/* Reads the files of the roots again, and makes the set anew. False: all is as it was. */
MUST_CHECK bool trust_reread(struct trust *trust, struct err *err);

/* A gift wrap counts as of those whom it is for. */
MUST_CHECK bool trust_admits(const struct trust *trust, const struct event *event, struct err *err);

/* Whether the first set is whole. */
bool trust_is_ready(const struct trust *trust);

/* An event is new in the store. */
void trust_saw(struct trust *trust, const struct event *event);

/* search.h - NIP-50: events by their words, the best first.
 *
 * One connection of its own, made when first needed, asked one thing at a time, so that a search
 * keeps nobody else waiting. What one search may cost is bounded, whatever it asks: events looked
 * at and ranked (search_sql.h), three statements of 2 s, rows and bytes of the answer.
 *
 * Looked at are the newest events that the filter's ids, authors, tags, kinds and times allow; if
 * those were too many to see them all, and have not given enough, the index of words as well.
 *
 *   threads  loop thread only
 *   errors   ERR_RATE_LIMITED
 *   spec     NIP-50
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct err;
struct event;
struct filter;
struct kind_set;
struct search;
struct shard;

/* KINDS_MAX: that can be indexed. WAITING_MAX: questions, of the whole process. */
enum { SEARCH_ROWS_MAX = 500, SEARCH_KINDS_MAX = 64, SEARCH_WAITING_MAX = 64 };

struct search_setup {
    const struct shard *shard;    /* kept, not copied, as are the others */
    const struct kind_set *kinds; /* that are indexed */
    const char *configuration;    /* of who names no language */
};

struct search *search_new(uv_loop_t *loop, const struct search_setup *setup);

/* Who waits is answered with NULL. Not from within a reply. */
void search_free(struct search *search);

struct search_answer {
    const struct event *events; /* best first; of the same rank, newest, then lowest id */
    const int64_t *ranks;       /* of each: comparable over all shards */
    uint32_t count;
    bool is_all; /* nothing else that is indexed matches */
};

/* answer is NULL when the database is down or it took too long. Borrowed for the call. */
typedef void search_reply_fn(void *owner, const struct search_answer *answer);

struct search_call {
    const struct filter *filter; /* borrowed until the reply, or search_forget */
    uint32_t rows;               /* 1 to SEARCH_ROWS_MAX */
    search_reply_fn *reply;
    void *owner;
};

/* To be asked before a request that will search: false when too many wait already. */
MUST_CHECK bool search_has_room(const struct search *search, struct err *err);

/* Never answers from within the call. */
void search_ask(struct search *search, const struct search_call *call);

/* What the owner asked is not answered, and its filter borrowed no longer. */
void search_forget(struct search *search, const void *owner);

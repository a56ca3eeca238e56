/* lazy_store.h - a model of the store that answers when it is told to.
 *
 * It takes the place of shards.c in a test of what reads pages: a database cannot be told when to
 * answer, in which order, and with how much. What its pages hold is what store.h promises.
 *
 *   ownership  all is the model's, and there is one; lazy_clear frees it
 */
#pragma once

#include "relay/shards.h"
#include "shared/event.h"

enum { LAZY_EVENTS_MAX = 150, LAZY_PENDING_MAX = 256 };

extern struct event lazy_events[LAZY_EVENTS_MAX]; /* in the order they were committed */
extern uint32_t lazy_committed;                   /* how many */
extern uint32_t lazy_pending;                     /* reads not answered yet */
extern bool lazy_is_ready;

/* Commits a random event. */
void lazy_commit(void);

/* Answers one of the reads, perhaps with less than there is; NULL when it is to fail. */
void lazy_answer(uint32_t number, bool is_failing);

/* The order of a page: newest first, then lowest id. For qsort. */
int lazy_compare(const void *a, const void *b);

void lazy_clear(void);

/* bunker_inside.h - a bunker's own parts: its relays, and the question asked. Part of bunker.
 *
 *   threads  one
 */
#pragma once

#include <uv.h>

#include "client/bunker.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

enum { BUNKER_ID_CHARS = 16, BUNKER_WHY_SHOWN = 70 };

/* One relay of it. */
struct bunker_road {
    struct bunker *bunker;
    struct link *link;
    struct link_query *query;
    bool is_heard; /* what it says now reaches us */
    bool was_open;
    bool is_closed; /* for good */
    bool is_over;   /* for this question, */
    char why[BUNKER_WHY_SHOWN];
};

struct bunker {
    struct arena arena;
    struct bunker_place place;
    struct holder *client;
    uint32_t timeout_s;
    void (*told)(const void *owner, const char *page);
    const void *owner;
    uv_loop_t loop;
    uv_timer_t late;
    struct link_host *host;
    struct bunker_road roads[BUNKER_RELAYS_MAX];
    bool has_signer; /* not yet, where one is awaited */
    bool is_listening;
    /* the question, */
    bool is_asking, ok, was_shown;
    char id[BUNKER_ID_CHARS + 1];
    struct arena asked; /* where the event is */
    struct event event;
    struct text result;
    struct err err; /* and why there is no answer */
};

/* To all relays; they come later. */
MUST_CHECK bool bunker_open_roads(struct bunker *bunker, struct err *err);

/* The answer is in bunker->result. */
MUST_CHECK bool bunker_ask(struct bunker *bunker, const char *method, const struct span *params,
                           size_t count, struct err *err);

/* Turns of the loop until what is waited for has come, or it is too late. */
MUST_CHECK bool bunker_wait(struct bunker *bunker, uint32_t timeout_s, struct err *err);

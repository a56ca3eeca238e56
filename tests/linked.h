/* linked.h - a link under test, on a loop of the test's own, with what it tells.
 *
 *     linked_open(&linked, &(struct linked_setup){.url = url});
 *     LINKED_UNTIL(&linked, linked.opened == 1);
 *
 *   errors  a failed assertion of the running test
 */
#pragma once

#include <uv.h>

#include "client/link.h"
#include "shared/base.h"

struct signer_event;

enum { LINKED_IDS_MAX = 2000 };

struct linked_setup {
    const char *url;
    const char *proxy;   /* NULL: none */
    const char *ca_file; /* NULL: none */
    uint32_t person;     /* who answers challenges; 0: nobody */
    bool declines;
    uint32_t answer_ms;
};

struct linked {
    bool is_started;
    uv_loop_t loop;
    uv_timer_t wake;
    int64_t deadline_ms;
    struct link_host *host;
    struct link *link;
    uint32_t person;
    bool declines;
    int opened, closed, challenged, drained;
    char why[256];    /* of the last closed */
    char notice[256]; /* the last */
    int fates[LINK_LATER + 1];
    char settled_why[256]; /* of the last */
};

/* The loop, for servers of the test's own that are to be there first. */
void linked_start(struct linked *linked);

/* Starts it if need be. */
void linked_open(struct linked *linked, const struct linked_setup *setup);

/* Servers on the loop have been closed. */
void linked_close(struct linked *linked);

/* Turns of the loop until it is true; fails when that takes too long. */
#define LINKED_UNTIL(linked, condition)       \
    for (linked_begin(linked); !(condition);) \
    linked_turn(linked, #condition)
void linked_begin(struct linked *linked);
void linked_turn(struct linked *linked, const char *condition);

void linked_publish(struct linked *linked, const struct signer_event *event);

/* A question, and what came. */
struct linked_query {
    struct link_query *query; /* dropped: NULL */
    char ids[LINKED_IDS_MAX][65];
    size_t count;    /* events, doubles and all */
    int stored;      /* EOSE */
    int64_t counted; /* -1: not yet */
    char closed[256];
    bool is_closed;
};

/* filter: JSON, one. Ends with linked_drop. */
void linked_ask(struct linked *linked, struct linked_query *query, enum link_ask ask,
                const char *filter);
void linked_drop(struct linked_query *query);

/* How many different ids came. */
size_t linked_different(const struct linked_query *query);
bool linked_has(const struct linked_query *query, const struct signer_event *event);

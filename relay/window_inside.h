/* window_inside.h - what the files of the window share.
 */
#pragma once

#include "relay/window.h"
#include "relay/window_entry.h"
#include "relay/window_index.h"

enum { WINDOW_DOUBTS_MAX = 4096, WINDOW_ASK_MAX = 64 };

/* Ids to ask the database for. */
struct window_ids {
    uint32_t count, capacity;
    struct bytes32 *at;
};

/* A read that is on its way. */
struct window_job {
    struct window *window;
    struct window_ticket ticket;
    uint64_t turn; /* of the window when it was asked */
    bool is_out;
};

struct window {
    struct window_setup setup;
    struct window_index index;
    struct window_marks marks;
    uint64_t turn; /* grows whenever all is forgotten */
    /* Everything up to the floor is held; what is below it, only while loading. */
    struct store_cursor floor;
    uint64_t added_ns;          /* when a page was added last */
    struct window_ticket fetch; /* of the oldest fetch that is out */
    uint32_t fetches;           /* out; one for each tail at most */
    struct window_job load;

    /* Asked for once more, a few at a time. doubts: held if they are stored. suspects: held, and
     * perhaps not stored any more. */
    struct window_ids doubts, suspects;
    struct window_job ask;
    struct window_ids asked; /* of suspects: those that did not come yet */
    struct store_cursor ask_after;
    bool ask_has_after;
    bool asks_suspects;

    bool is_on;     /* the tail is caught up */
    bool is_whole;  /* nothing is stored below the floor */
    bool is_full;   /* it once held bytes_max: nothing more is loaded */
    bool is_adding; /* a page: nothing is evicted meanwhile */
    bool is_lost;   /* what it holds cannot be trusted: it is to be loaded anew */
};

/* window_effect.c: what a deletion or vanishing removes; whose: see window_mark.h. */
void window_effect(struct window *window, const struct event *event, unsigned whose);

/* Whether what was deleted since the ticket was taken covers the event, which is whose. */
bool window_is_doubtful(const struct window *window, const struct event *event,
                        const struct window_entry *entry, const struct window_ticket *ticket,
                        unsigned whose);

uint64_t window_key_gone(const struct window *window, const struct bytes32 *id);

/* window.c */
void window_add_page(struct window *window, const struct store_page *page,
                     const struct window_ticket *ticket);
void window_evict(struct window *window);
void window_start(struct window *window); /* forgets all, and loads if it is on */

/* window_load.c */
bool window_is_loading(const struct window *window);
void window_load(struct window *window);

/* window_ask.c */
void window_doubt(struct window *window, const struct bytes32 *id);
void window_suspect(struct window *window, struct window_entry *entry);
void window_ask(struct window *window);
void window_ids_clear(struct window_ids *ids);

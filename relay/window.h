/* window.h - the newest events in memory: most of what is asked for is answered from here.
 *
 * Holds every stored event down to a place, its floor, as far as bytes_max go. What lies below the
 * floor is the database's to answer; at the seam nothing is missing or twice. What is expired is
 * left out when it is read.
 *
 * It follows what is committed: own events once they are settled, before their OK, so that who was
 * told OK finds them; those of other processes in their turn of the tail. Deletions, vanishing and
 * newer versions do in it what the store's statements do in the tables. All of this may come in
 * another order than it was committed; window_mark.h says how that is told. While the tail is not
 * caught up the window answers nothing, and afterwards it is loaded anew, newest first, a page at a
 * time.
 *
 * So who was told OK by this process finds the event here; what another process acknowledged is
 * found some milliseconds later, as live subscriptions hear of it.
 *
 *   units      bytes: of entries, lists and frames, about as malloc counts them
 *   ownership  frames are shared; what a search finds is borrowed until the window is told anything
 *   threads    loop thread only
 *   spec       NIP-01 "Kinds"; NIP-09; NIP-40; NIP-62
 */
#pragma once

#include "relay/window_find.h"
#include "relay/window_mark.h"

struct event;
struct frame;
struct shards;
struct window;

struct window_setup {
    size_t bytes_max; /* 0: it holds nothing */
    struct shards *store;
};

struct window *window_new(const struct window_setup *setup);

/* The store is gone by then, all tickets are returned. */
void window_free(struct window *window);

/* For store_setup. */
void window_on_caught_up(struct window *window, bool is_caught_up);
void window_on_fetch(struct window *window, bool is_over);

/* Before an event is put into the store; returned by window_settled. */
void window_expect(struct window *window, struct window_ticket *ticket);

/* The put is settled. event: NULL unless it was new; frame: its JSON. */
void window_settled(struct window *window, struct window_ticket *ticket, const struct event *event,
                    struct frame *frame);

/* In its turn of the tail, before it is published. */
void window_foreign(struct window *window, const struct event *event, struct frame *frame);

/* Events that are gone without any event saying so; filter has nothing but ids. */
void window_purged(struct window *window, const struct filter *filter);

/* Goes on with what could not be done; now and then. */
void window_tidy(struct window *window);

/* Whether an event is stored; false: perhaps it is. */
bool window_has(const struct window *window, const struct bytes32 *id);

/* Whether everything it holds was announced, or is an own event that will be. Else some of it was
 * read of late, and may be announced still. */
bool window_is_quiet(const struct window *window);

/* False when the database must be asked: see window_find. after may be NULL. */
MUST_CHECK bool window_read(struct window_found *found, const struct window *window,
                            const struct filter *filter, const struct store_cursor *after,
                            uint32_t rows);

/* command_sync_parts.h - what the files of command_sync share.
 *
 *   ownership, threads, errors  command_sync.h's
 */
#pragma once

#include "client/command_net.h"
#include "client/command_scope.h"
#include "client/exchange.h"
#include "client/terminal_progress.h"
#include "shared/arena.h"

struct sync_call;
struct syncing;

/* One relay. */
struct part {
    struct syncing *syncing;
    struct span url;
    const struct filter *filters;
    uint32_t filter_count;
    bool is_authors;           /* relay, of which we only fetch what they write */
    struct exchange *exchange; /* NULL once it is over */
    struct exchange_counts counts;
    uint64_t heard, heard_ms;
    uint64_t queued; /* at first, where somebody wants to know */
    bool is_done;
};

struct syncing {
    struct net *net;
    struct arena arena;
    struct store *store;
    struct basket *basket;
    struct scope scope;
    bool pushes, down, up, is_trial;
    bool seeks; /* lists of relays, by filters at the end of the scope's: of whom something names */
    struct span *urls; /* yours */
    size_t url_count;
    struct scope_stop *stops; /* the authors' */
    size_t stop_count;
    struct span *others; /* relays that something is queued for */
    size_t other_count;
    struct syncing *last;          /* a second round, to relays found in the first; or NULL */
    const struct sync_call *given; /* what another command is about; NULL: this one's words */
    struct part *parts;
    size_t count;
    size_t open; /* parts */
    uv_timer_t look;
    struct terminal_progress progress;
    uint32_t refusals;
};

/* Speaks with all the relays that syncing names, until each is done or has failed. */
MUST_CHECK bool sync_round(struct syncing *syncing, struct err *err);

/* Queues what waits for where those whom it names read (audience.h); where somebody's list of
 * relays is not here, it is to be asked for. */
MUST_CHECK bool sync_seek(struct syncing *syncing, struct err *err);

/* After the round in which lists were asked for: what they say is done, in one more. */
MUST_CHECK bool sync_route(struct syncing *syncing, struct err *err);

/* Opens the keys of circles that came, where nobody has to be asked for it, and says what stays
 * sealed. */
void sync_open_keys(const struct syncing *syncing);

/* Deletes, for programs that apply all that they hear, what in texts of circles does not count;
 * where one may, and nobody has to be asked for the key. What that writes is queued. */
void sync_mend(const struct syncing *syncing);

/* Says what became of each relay. */
enum command_status sync_summarise(struct syncing *syncing);

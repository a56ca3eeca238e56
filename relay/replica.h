/* replica.h - reads on streaming standbys that miss nothing which the primary would have shown.
 *
 * Who wants to read asks for a turn, and is given a connection to a standby whose next snapshot has
 * everything that the primary showed to anybody when the turn was asked for; or NULL, if no standby
 * is as far in time, and then asks the primary. Why that is so:
 *
 *   1. What a transaction did is shown on the primary only after its commit record was flushed to
 *      the log there (with synchronous_commit off: written). So all that was shown when the turn
 *      was asked for lies before the position of the log that the primary names afterwards.
 *   2. A standby replays the log in its order, and says that it has replayed a position only once
 *      what was committed before it is shown. So a snapshot that it takes later has all of 1. On
 *      one connection replay never goes back, not even when the standby is promoted.
 *   3. Positions of different histories cannot be compared: after a fail-over, a standby that was
 *      left behind may well be "further". So each session with the primary begins by writing a
 *      random word, the primary names the word along with a position, and a standby counts only
 *      while it shows the same word: it was written on this primary, in this life of it, so what
 *      the standby replays is its log.
 *
 * Hence such a page has what this process, or any other, acknowledged before it was asked for; what
 * any tail had announced; and what earlier pages from the primary showed. What it lacks was shown
 * later, so it will be announced to a subscription that was there before the page was asked for.
 *
 * The other direction does not hold: a standby may show a commit some moments before the primary
 * does, which waits for another standby to have it. So nothing is learned from here that is acted
 * on: what the window holds is read from the primary.
 *
 * As for every connection to the database, a primary that was replaced has to be gone: a relay that
 * still reaches it reads and writes there.
 *
 *   units      positions: bytes of the log since the cluster was made
 *   ownership  a turn lies in its owner, who keeps it until it begins
 *   threads    loop thread only
 *   order      turns begin in the order they were asked for, never from within replica_await
 */
#pragma once

#include <uv.h>

#include "relay/db.h"
#include "relay/list.h"

struct replica;
struct shard;

/* db: has what plan_prepare prepares; for the call, and as long as it does not lose its connection.
 * NULL: no standby can answer now. */
typedef void replica_begin_fn(void *owner, struct db *db);

struct replica_turn {
    replica_begin_fn *begin;
    void *owner;
    /* The replica's own. */
    struct list_node queued;
    uint64_t answer; /* by its number, the answer of the primary that it waits for */
    bool has_position;
    int64_t position;
    uint64_t until_tick;
};

/* For the shard's standbys. The shard is kept, not copied, and lives as long as the loop runs. */
struct replica *replica_new(uv_loop_t *loop, const struct shard *shard, uint32_t connections);

/* The turns that wait begin with NULL first. */
void replica_free(struct replica *replica);

/* Whether it is worth a try: a standby was found caught up a moment ago. */
bool replica_is_near(const struct replica *replica);

/* begin and owner are set; begins once, in time. */
void replica_await(struct replica *replica, struct replica_turn *turn);

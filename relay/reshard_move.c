/* Buckets move: copied, caught up and switched while their authors' writes wait, deleted. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "relay/reshard_base.h"
#include "shared/err.h"

enum {
    DELETED_MAX = 1000,     /* events, in one statement */
    RUN_EVENTS_MAX = 20000, /* about as many change their home while their authors wait */
    SECOND_MS = 1000,
};

/* Buckets that follow each other and move together: a range of the column pkp, whose order is that
 * of the keys. */
struct run {
    uint32_t first, count, source;
    int64_t low, high; /* of pkp */
    char range[96];    /* as SQL; without what no query sees */
};

/* The first run from bucket on; false when there is none. */
static bool find_run(struct run *run, const struct reshard_desk *desk, const bool *buckets,
                     uint32_t bucket, uint32_t target, uint32_t count_max)
{
    const uint64_t width = UINT64_MAX / ROUTE_BUCKETS + 1;
    const uint8_t *homes = desk->route->homes;
    while (bucket < ROUTE_BUCKETS && (!buckets[bucket] || homes[bucket] == target))
        bucket++;
    if (bucket == ROUTE_BUCKETS)
        return false;
    *run = (struct run){.first = bucket, .source = homes[bucket]};
    while (bucket < ROUTE_BUCKETS && buckets[bucket] && homes[bucket] == run->source &&
           run->count < count_max) {
        run->count++;
        bucket++;
    }
    run->low = (int64_t)(run->first * width ^ (uint64_t)1 << 63);
    run->high = (int64_t)((uint64_t)run->low + (run->count * width - 1));
    snprintf(run->range, sizeof run->range,
             "created_at >= 0 AND pkp >= %" PRId64 " AND pkp <= %" PRId64, run->low, run->high);
    return true;
}

/* By the size of a shard; locks are as many. */
static bool choose_run_length(PGconn *conn, uint32_t *count, struct err *err)
{
    int64_t events;
    if (!reshard_ask(conn, &events, err,
                     "SELECT greatest(reltuples, 0)::int8 FROM pg_class WHERE oid ="
                     " 'event'::regclass"))
        return false;
    int64_t fit = RUN_EVENTS_MAX / (1 + events / ROUTE_BUCKETS);
    *count = fit < 1 ? 1 : fit > ROUTE_LOCKS ? ROUTE_LOCKS : (uint32_t)fit;
    return true;
}

#define DELETE_TAGS                                                      \
    "DELETE FROM etag t USING gone g WHERE t.h = ANY (g.tag_hashes) AND" \
    " t.kind = g.kind AND t.created_at = g.created_at AND t.tie = g.tie"

/* Makes the copy what the run is by now, while nobody deletes there. Copies of deletions whose home
 * has none go as well: they were refused there, or are on their way and will be put here. */
static bool catch_up(PGconn *from, PGconn *to, const struct run *run, struct err *err)
{
    char query[256], missing[256];
    snprintf(query, sizeof query, "SELECT created_at, tie FROM event WHERE xid >= 0 AND %s",
             run->range);
    snprintf(missing, sizeof missing,
             "%s AND (created_at, tie) IN (SELECT created_at, tie FROM present)", run->range);
    return reshard_pour(from, to, query, "present", err) &&
           reshard_do(to, err,
                      "ANALYZE present;"
                      "WITH gone AS (DELETE FROM event e WHERE %s AND"
                      "  NOT EXISTS (SELECT FROM present p WHERE p.created_at = e.created_at AND"
                      "   p.tie = e.tie) RETURNING created_at, tie, kind, tag_hashes) " DELETE_TAGS
                      ";UPDATE event e SET xid = " ROUTE_XID_MOVED " FROM present p WHERE"
                      " p.created_at = e.created_at AND p.tie = e.tie AND e.xid = " ROUTE_XID_COPY
                      ";DELETE FROM present p WHERE EXISTS (SELECT FROM event e WHERE"
                      " p.created_at = e.created_at AND p.tie = e.tie)",
                      run->range) &&
           reshard_pour(to, from, "SELECT created_at, tie FROM present", "present", err) &&
           reshard_copy(from, to, missing, ROUTE_XID_MOVED, err) &&
           reshard_delete_wraps(to, run->range, err) && reshard_do(from, err, "TRUNCATE present") &&
           reshard_do(to, err, "TRUNCATE present; COMMIT");
}

/* The deletions that stay are copies from now on. */
static bool fence(PGconn *from, const struct run *run, int64_t version, struct err *err)
{
    return reshard_do(from, err,
                      "UPDATE event SET xid = " ROUTE_XID_COPY " WHERE kind IN (5, 62) AND %s;"
                      "INSERT INTO fence SELECT b, %" PRId64 " FROM generate_series(%u, %u) b"
                      " UNION ALL SELECT %d, %" PRId64
                      " ON CONFLICT (bucket) DO UPDATE SET version = excluded.version; COMMIT",
                      run->range, version, run->first, run->first + run->count - 1,
                      ROUTE_EVERYWHERE, version);
}

static bool lock_run(PGconn *from, const struct shard *shard, const struct run *run,
                     struct err *err)
{
    uint32_t first = route_bucket_lock(run->first);
    uint32_t last = first + run->count - 1;
    bool is_round = last >= ROUTE_LOCKS; /* it goes on with the first lock */
    return reshard_lock(from, shard, is_round ? 0 : first, is_round ? ROUTE_LOCKS - 1 : last, err);
}

/* The source refuses the run before anybody is told of its new home: until then its authors wait,
 * and if we die here they wait until the move is run again. */
static bool change_home(struct reshard_desk *desk, const struct run *run, uint32_t target,
                        struct err *err)
{
    struct route *route = desk->route;
    PGconn *from = desk->conns[run->source], *to = desk->conns[target];
    if (!reshard_do(to, err, "DELETE FROM fence WHERE bucket >= %u AND bucket < %u", run->first,
                    run->first + run->count) ||
        !lock_run(from, route->shards[run->source], run, err) ||
        !reshard_lock_shared(to, route->shards[target], err) || !catch_up(from, to, run, err) ||
        !fence(from, run, route->version + 1, err))
        return false;
    memset(route->homes + run->first, (int)target, run->count);
    return reshard_publish(desk, true, err);
}

/* What is indexed of them. */
static bool copy_words(PGconn *from, PGconn *to, const struct run *run, struct err *err)
{
    char query[256];
    snprintf(query, sizeof query,
             "SELECT s.* FROM event e JOIN search s USING (created_at, tie) WHERE e.created_at >= 0"
             " AND e.pkp >= %" PRId64 " AND e.pkp <= %" PRId64,
             run->low, run->high);
    return reshard_pour(from, to, query, "incoming_words", err) &&
           reshard_do(to, err,
                      "INSERT INTO search SELECT * FROM incoming_words ON CONFLICT DO NOTHING;"
                      "TRUNCATE incoming_words");
}

/* And what was not yet indexed: no transaction there tells of it. */
static bool index_again(PGconn *conn, struct err *err)
{
    return reshard_do(conn, err,
                      "UPDATE meta SET v = convert_to('walk ' ||"
                      " split_part(convert_from(v, 'UTF8'), ' ', 2) || ' %" PRId64 " %" PRId64
                      "', 'UTF8') WHERE k = 'search_place'",
                      INT64_MAX, INT64_MAX);
}

static bool copy_all(struct reshard_desk *desk, const bool *buckets, uint32_t target,
                     struct err *err)
{
    struct run run = {0};
    if (!reshard_copy_deletions(desk, desk->conns[target], err))
        return false;
    while (find_run(&run, desk, buckets, run.first + run.count, target, ROUTE_LOCKS)) {
        char condition[128];
        snprintf(condition, sizeof condition, "xid >= 0 AND %s", run.range);
        if (!reshard_copy(desk->conns[run.source], desk->conns[target], condition, ROUTE_XID_MOVED,
                          err) ||
            !copy_words(desk->conns[run.source], desk->conns[target], &run, err))
            return false;
    }
    return true;
}

/* Nobody goes by it any more. What a deletion may still need to do, stays. */
static bool clear(PGconn *conn, const struct run *run, struct err *err)
{
    int64_t count = DELETED_MAX;
    while (count == DELETED_MAX)
        if (!reshard_ask(conn, &count, err,
                         "WITH gone AS (DELETE FROM event WHERE ctid = ANY (ARRAY(SELECT ctid FROM"
                         "  event WHERE kind NOT IN (5, 62) AND %s LIMIT %d))"
                         "  RETURNING created_at, tie, kind, tag_hashes),"
                         " tags AS (" DELETE_TAGS ") SELECT count(*) FROM gone",
                         run->range, DELETED_MAX))
            return false;
    return true;
}

/* Also what an earlier move, cut short, has left. */
static bool clear_all(struct reshard_desk *desk, const bool *buckets, struct err *err)
{
    if (desk->grace_s > 0)
        poll(NULL, 0, (int)desk->grace_s * SECOND_MS); /* pages that are read by the old routes */
    for (uint32_t shard = 0; shard < desk->route->shard_count; shard++) {
        struct run run = {0};
        while (find_run(&run, desk, buckets, run.first + run.count, shard, ROUTE_LOCKS))
            if (!clear(desk->conns[shard], &run, err))
                return false;
    }
    return true;
}

bool reshard_move(struct reshard_desk *desk, const bool *buckets, uint32_t target, struct err *err)
{
    struct run run = {0};
    uint32_t length;
    if (!copy_all(desk, buckets, target, err) || !reshard_publish(desk, true, err) ||
        !reshard_await(desk, err))
        return false;
    while (find_run(&run, desk, buckets, run.first + run.count, target, ROUTE_LOCKS)) {
        if (!choose_run_length(desk->conns[run.source], &length, err))
            return false;
        (void)find_run(&run, desk, buckets, run.first, target, length);
        if (!change_home(desk, &run, target, err))
            return false;
    }
    return index_again(desk->conns[target], err) && reshard_publish(desk, false, err) &&
           reshard_await(desk, err) && clear_all(desk, buckets, err);
}

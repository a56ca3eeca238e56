#include "relay/replica.h"

#include <stdlib.h>

#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/plan.h"
#include "relay/row.h"
#include "relay/schema.h"

/* TICKS_MAX: a turn waits for as many ticks; a loop that was kept busy does not count. PROBE_MS:
 * how often a standby is looked at while nobody reads. */
enum {
    REPLICA_TICK_MS = 1,
    REPLICA_TICKS_MAX = 25,
    REPLICA_PROBE_MS = 200,
    REPLICA_STATEMENT_MS_MAX = 2000, /* above, the primary is asked */
    REPLICA_ANSWER_MS_MAX = 2500,
    REPLICA_WORD_CHARS_MAX = 36,
};

#define POSITION "position"
#define POSITION_SQL                                                         \
    "SELECT CASE current_setting('synchronous_commit') WHEN 'off'"           \
    " THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END," \
    " (SELECT v FROM meta WHERE k = 'lineage')"

/* That it is a standby is asked first: promoted meanwhile, it has replayed what it says. */
#define REPLAYED "replayed"
#define REPLAYED_SQL                                                               \
    "SELECT pg_is_in_recovery()::int4, coalesce(pg_last_wal_replay_lsn(), '0/0')," \
    " (SELECT v FROM meta WHERE k = 'lineage')"

/* Waits for no standby: that they have it is what is to be found out. */
#define LINEAGE_SQL                                             \
    "BEGIN; SET LOCAL synchronous_commit TO local;"             \
    "INSERT INTO meta (k, v) VALUES"                            \
    " ('lineage', convert_to(gen_random_uuid()::text, 'UTF8'))" \
    " ON CONFLICT (k) DO UPDATE SET v = excluded.v; COMMIT"

struct standby {
    struct replica *replica;
    struct db *db; /* NULL: freed */
    bool is_up, is_asking;
    int64_t replayed;
    char word[REPLICA_WORD_CHARS_MAX + 1]; /* "": not known yet, replayed neither */
};

struct replica {
    uv_timer_t timer;
    struct db *primary;
    int64_t position; /* as the primary has named it last */
    char word[REPLICA_WORD_CHARS_MAX + 1];
    uint64_t asked; /* positions; the last one is on its way while is_asking */
    bool is_asking, must_ask;
    struct list turns;
    struct replica_turn probe; /* our own, in the list while nobody else waits */
    uint64_t ticks;
    bool is_near, is_closing;
    int64_t lag; /* in the metrics */
    uint32_t turn;
    uint32_t count;
    struct standby standbys[];
};

static void on_tick(uv_timer_t *timer);

static bool is_followed(const struct standby *standby)
{
    return standby->db != NULL && db_is_ready(standby->db) && standby->word[0] != '\0' &&
           strcmp(standby->word, standby->replica->word) == 0;
}

static void show_lag(struct replica *replica)
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < replica->count; i++) {
        const struct standby *standby = &replica->standbys[i];
        int64_t lag = replica->position - standby->replayed;
        if (is_followed(standby) && lag < least)
            least = lag < 0 ? 0 : lag;
    }
    if (least == INT64_MAX)
        least = 0;
    metrics_move(METRIC_REPLICA_LAG, least - replica->lag);
    replica->lag = least;
}

/* Of those that have replayed it, the one with the least to do; in turn where they are equal. */
static struct db *choose(struct replica *replica, int64_t position)
{
    struct db *best = NULL;
    replica->turn++;
    for (uint32_t i = 0; i < replica->count; i++) {
        const struct standby *standby = &replica->standbys[(replica->turn + i) % replica->count];
        if (is_followed(standby) && standby->replayed >= position &&
            (best == NULL || db_pending(standby->db) < db_pending(best)))
            best = standby->db;
    }
    return best;
}

static void set_near(struct replica *replica, bool is_near)
{
    if (is_near != replica->is_near)
        log_debug("replica", is_near ? "caught up" : "not caught up: the primary is read");
    replica->is_near = is_near;
}

static void begin(struct replica *replica, struct replica_turn *turn, struct db *db)
{
    list_remove(&replica->turns, &turn->queued);
    turn->begin(turn->owner, db);
}

static void give_up(struct replica *replica)
{
    set_near(replica, false);
    for (struct replica_turn *turn; (turn = list_first(&replica->turns)) != NULL;)
        begin(replica, turn, NULL);
}

/* Who begins may have freed us; the memory stays until the timer has closed. */
static void serve(struct replica *replica)
{
    struct replica_turn *turn;
    struct db *db;
    while ((turn = list_first(&replica->turns)) != NULL && turn->has_position &&
           (db = choose(replica, turn->position)) != NULL)
        begin(replica, turn, db);
    if (replica->is_closing)
        return;
    show_lag(replica);
    if (turn == NULL)
        uv_timer_start(&replica->timer, on_tick, REPLICA_PROBE_MS, 0);
}

static void read_word(char *word, const PGresult *result, int column)
{
    int len = PQgetlength(result, 0, column);
    if (len > REPLICA_WORD_CHARS_MAX)
        len = 0;
    memcpy(word, PQgetvalue(result, 0, column), (size_t)len);
    word[len] = '\0';
}

static void on_replayed(void *owner, const PGresult *result)
{
    struct standby *standby = owner;
    standby->is_asking = false;
    standby->word[0] = '\0';
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        return; /* cancelled, or lost */
    if (row_int4(result, 0, 0) == 0) {
        log_info("replica", "promoted: looking for a standby");
        db_reconnect(standby->db);
        return;
    }
    standby->replayed = row_int8(result, 0, 1);
    read_word(standby->word, result, 2);
    serve(standby->replica);
}

/* Those that may not be as far. */
static void ask_standbys(struct replica *replica, int64_t position)
{
    for (uint32_t i = 0; i < replica->count; i++) {
        struct standby *standby = &replica->standbys[i];
        const struct db_call call = {.statement = REPLAYED, .reply = on_replayed, .owner = standby};
        if (!standby->is_asking && db_is_ready(standby->db) &&
            !(is_followed(standby) && standby->replayed >= position))
            standby->is_asking = db_query(standby->db, &call, NULL);
    }
}

static void on_position(void *owner, const PGresult *result);

static void ask_primary(struct replica *replica)
{
    const struct db_call call = {.statement = POSITION, .reply = on_position, .owner = replica};
    replica->must_ask = false;
    replica->is_asking = db_query(replica->primary, &call, NULL);
    if (replica->is_asking)
        replica->asked++;
}

/* To those that were waiting when it was asked for. */
static void hand_out_position(struct replica *replica)
{
    for (struct replica_turn *turn = list_first(&replica->turns); turn != NULL;
         turn = list_next(&turn->queued))
        if (!turn->has_position && turn->answer <= replica->asked) {
            turn->has_position = true;
            turn->position = replica->position;
        }
}

static void on_position(void *owner, const PGresult *result)
{
    struct replica *replica = owner;
    replica->is_asking = false;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        if (result == NULL)
            return; /* on_primary hears of it */
        log_warning("replica", "%s", db_error(result));
        give_up(replica);
        return;
    }
    replica->position = row_int8(result, 0, 0);
    read_word(replica->word, result, 1);
    hand_out_position(replica);
    if (replica->must_ask)
        ask_primary(replica);
    serve(replica);
    if (!replica->is_closing && replica->turns.head != NULL)
        ask_standbys(replica, replica->position);
}

static bool can_probe(const struct replica *replica)
{
    for (uint32_t i = 0; i < replica->count; i++)
        if (db_is_ready(replica->standbys[i].db))
            return db_is_ready(replica->primary);
    return false;
}

static void on_probed(void *owner, struct db *db)
{
    set_near(owner, db != NULL);
}

static void on_tick(uv_timer_t *timer)
{
    struct replica *replica = timer->data;
    const struct replica_turn *turn = list_first(&replica->turns);
    replica->ticks++;
    uv_timer_start(timer, on_tick, REPLICA_PROBE_MS, 0);
    if (turn == NULL && can_probe(replica)) {
        replica_await(replica, &replica->probe);
    } else if (turn == NULL || turn->until_tick <= replica->ticks) {
        give_up(replica);
    } else {
        uv_timer_start(timer, on_tick, REPLICA_TICK_MS, 0);
        if (!replica->is_asking && (!turn->has_position || replica->must_ask))
            ask_primary(replica);
        if (turn->has_position)
            ask_standbys(replica, turn->position);
    }
}

/* What positions it has named are of no use: the next session may be with another server. */
static void on_primary(void *owner, bool is_ready)
{
    struct replica *replica = owner;
    replica->word[0] = '\0';
    if (!is_ready)
        give_up(replica);
}

static void show_up(struct standby *standby, bool is_up)
{
    metrics_move(METRIC_REPLICA_UP, is_up - standby->is_up);
    standby->is_up = is_up;
}

static void on_standby(void *owner, bool is_ready)
{
    struct standby *standby = owner;
    show_up(standby, is_ready);
    standby->word[0] = '\0';
    if (!is_ready && !can_probe(standby->replica))
        give_up(standby->replica);
}

static bool run(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static bool prepare_primary(PGconn *conn, const void *context)
{
    return schema_enter(conn, context, REPLICA_STATEMENT_MS_MAX) && run(conn, LINEAGE_SQL) &&
           schema_prepare(conn, POSITION, POSITION_SQL);
}

/* A standby may have no schema yet: then nothing is prepared that would be logged. */
static bool prepare_standby(PGconn *conn, const void *context)
{
    return schema_enter(conn, context, REPLICA_STATEMENT_MS_MAX) && run(conn, REPLAYED_SQL) &&
           schema_prepare(conn, REPLAYED, REPLAYED_SQL) && plan_prepare(conn);
}

struct replica *replica_new(uv_loop_t *loop, const struct shard *shard, uint32_t connections)
{
    struct replica *replica = calloc(1, sizeof *replica + connections * sizeof *replica->standbys);
    if (replica == NULL)
        abort();
    const struct db_setup primary = {.conninfo = shard->conninfo,
                                     .prepare = prepare_primary,
                                     .context = shard,
                                     .on_state = on_primary,
                                     .owner = replica,
                                     .answer_ms_max = REPLICA_ANSWER_MS_MAX};
    replica->count = connections;
    replica->probe = (struct replica_turn){.begin = on_probed, .owner = replica};
    replica->primary = db_new(loop, &primary);
    for (uint32_t i = 0; i < connections; i++) {
        struct standby *standby = &replica->standbys[i];
        const struct db_setup setup = {.conninfo = shard->standbys,
                                       .session_attrs = "standby",
                                       .prepare = prepare_standby,
                                       .context = shard,
                                       .on_state = on_standby,
                                       .owner = standby,
                                       .answer_ms_max = REPLICA_ANSWER_MS_MAX};
        standby->replica = replica;
        standby->db = db_new(loop, &setup);
    }
    replica->timer.data = replica;
    uv_timer_init(loop, &replica->timer);
    uv_timer_start(&replica->timer, on_tick, REPLICA_PROBE_MS, 0);
    return replica;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void replica_free(struct replica *replica)
{
    replica->is_closing = true;
    give_up(replica);
    db_free(replica->primary);
    for (uint32_t i = 0; i < replica->count; i++) {
        struct db *db = replica->standbys[i].db;
        show_up(&replica->standbys[i], false);
        replica->standbys[i].db = NULL;
        db_free(db);
    }
    metrics_move(METRIC_REPLICA_LAG, -replica->lag);
    uv_close((uv_handle_t *)&replica->timer, on_closed);
}

bool replica_is_near(const struct replica *replica)
{
    return replica->is_near && !replica->is_closing;
}

void replica_await(struct replica *replica, struct replica_turn *turn)
{
    turn->answer = replica->asked + 1;
    turn->has_position = false;
    turn->until_tick = replica->ticks + REPLICA_TICKS_MAX;
    if (replica->is_asking)
        replica->must_ask = true;
    else
        ask_primary(replica);
    if (replica->turns.head == NULL)
        uv_timer_start(&replica->timer, on_tick, REPLICA_TICK_MS, 0);
    list_append(&replica->turns, &turn->queued, turn);
}

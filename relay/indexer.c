#include "relay/indexer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/db.h"
#include "relay/folding.h"
#include "relay/indexer_sql.h"
#include "relay/indexer_text.h"
#include "relay/kind_set.h"
#include "relay/language.h"
#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/param.h"
#include "relay/row.h"
#include "relay/schema.h"
#include "relay/tag_hash.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/text.h"

/* ELECT_MS: until the next try to be the one that indexes. POLL_MS: when everything is indexed.
 * SWEEP_MS: between two looks for rows without events. BUSY_EVENTS_PER_S: stored by this relay;
 * above, BUSY_PAUSE times the time of each piece of work is let go by before the next.
 * ANSWER_MS_MAX: for any statement. UNSAVED_MAX: rows that were looked at, none of them with words.
 * CAREFUL_ROWS: one by one, after a refusal. */
enum {
    ELECT_MS = 5000,
    POLL_MS = 500,
    SWEEP_MS = 5000,
    BUSY_EVENTS_PER_S = 500,
    BUSY_PAUSE = 9,
    ANSWER_MS_MAX = 60000,
    UNSAVED_MAX = 20000,
    CAREFUL_ROWS = 500,
    PLACE_CHARS_MAX = 99,
};

/* Events after this one are still to be indexed: in the walk, those older; then, those of a later
 * transaction. */
struct place {
    bool is_walk;
    int64_t xid; /* in the walk: where to follow from, when it is done */
    int64_t created_at, tie;
};

struct indexer {
    struct indexer_setup setup;
    struct db *db;
    uv_timer_t timer; /* until the next piece of work */
    bool is_elected, has_place, is_closing;
    struct place place, next;        /* next: when what is under way is committed */
    char saved[PLACE_CHARS_MAX + 1]; /* the place as it was read or saved last */
    uint32_t rows, words;            /* of the piece under way: looked at, with words */
    uint32_t unsaved;
    uint32_t careful; /* rows to take one by one: PostgreSQL refused one */
    uint64_t began_ns;
    uint64_t swept_ms;
    int64_t sweep_created_at, sweep_tie; /* swept up to here */
    uint64_t stored;                     /* events, at stored_ms */
    uint64_t stored_ms;
    bool is_busy;
    int64_t lag; /* as far as the metrics know */
};

static void on_timer(uv_timer_t *timer);

/* There may be one for each of several shards. */
static void say_lag(struct indexer *indexer, int64_t lag)
{
    metrics_move(METRIC_SEARCH_LAG, lag - indexer->lag);
    indexer->lag = lag;
}

static void work_in(struct indexer *indexer, uint64_t ms)
{
    if (!indexer->is_closing)
        uv_timer_start(&indexer->timer, on_timer, ms, 0);
}

/* Asks; without a connection nothing happens until there is one. */
static void ask(struct indexer *indexer, const char *statement, struct param_list *params,
                db_reply_fn *reply)
{
    struct db_call call = {.statement = statement, .reply = reply, .owner = indexer};
    param_call(params, &call);
    if (!indexer->is_closing && !db_query(indexer->db, &call, NULL))
        log_debug("indexer", "cannot ask now");
    param_clear(params);
}

/* NULL: the connection is lost, and on_state begins again. An error: later. */
static bool is_answer(struct indexer *indexer, const PGresult *result)
{
    if (result == NULL || indexer->is_closing)
        return false;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        return true;
    log_warning("indexer", "%s", db_error(result));
    metrics_add(METRIC_DATABASE_ERRORS, 1);
    work_in(indexer, ELECT_MS);
    return false;
}

static void watch_load(struct indexer *indexer)
{
    uint64_t now_ms = uv_hrtime() / 1000000;
    uint64_t stored = metrics_total(METRIC_EVENTS_STORED);
    uint64_t elapsed_ms = now_ms - indexer->stored_ms;
    if (elapsed_ms < POLL_MS)
        return;
    indexer->is_busy = (stored - indexer->stored) * 1000 > BUSY_EVENTS_PER_S * elapsed_ms;
    indexer->stored = stored;
    indexer->stored_ms = now_ms;
}

/* A piece of work is done. */
static void rest(struct indexer *indexer, bool has_more)
{
    uint64_t took_ms = (uv_hrtime() - indexer->began_ns) / 1000000;
    watch_load(indexer);
    if (!has_more)
        work_in(indexer, POLL_MS);
    else
        work_in(indexer, indexer->is_busy ? BUSY_PAUSE * took_ms + 1 : 0);
}

static void on_place_again(void *owner, const PGresult *result);

static void on_swept(void *owner, const PGresult *result)
{
    struct indexer *indexer = owner;
    if (!is_answer(indexer, result))
        return;
    indexer->sweep_created_at = indexer->sweep_tie = INT64_MIN;
    if (PQntuples(result) == 1) {
        indexer->sweep_created_at = row_int8(result, 0, 0);
        indexer->sweep_tie = row_int8(result, 0, 1);
    }
    struct param_list none = {0};
    ask(indexer, INDEXER_PLACE, &none, on_place_again);
}

static void sweep(struct indexer *indexer)
{
    struct param_list params = {0};
    indexer->swept_ms = uv_hrtime() / 1000000;
    param_int8(&params, indexer->sweep_created_at);
    param_int8(&params, indexer->sweep_tie);
    ask(indexer, INDEXER_SWEEP, &params, on_swept);
}

static void settle(struct indexer *indexer)
{
    indexer->place = indexer->next;
    metrics_add(METRIC_EVENTS_INDEXED, indexer->words);
    if (indexer->careful > 0)
        indexer->careful--;
    rest(indexer, indexer->rows > 0);
}

static void on_stored(void *owner, const PGresult *result)
{
    struct indexer *indexer = owner;
    if (result == NULL || indexer->is_closing)
        return;
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        indexer->unsaved = 0;
        settle(indexer);
        return;
    }
    log_warning("indexer", "%s%s", db_error(result),
                indexer->careful > 0 ? ": an event is left out" : "");
    metrics_add(METRIC_DATABASE_ERRORS, 1);
    if (indexer->careful > 0)
        indexer->place = indexer->next;
    else
        indexer->careful = CAREFUL_ROWS;
    rest(indexer, true);
}

/* The columns of search, an array each. */
struct columns {
    struct param_list params;
    int created_at, tie, pkp, kind, language, stems, title, body;
};

static void begin_columns(struct columns *columns)
{
    struct param_list *params = &columns->params;
    *columns = (struct columns){0};
    columns->created_at = param_begin(params, PARAM_INT8);
    columns->tie = param_begin(params, PARAM_INT8);
    columns->pkp = param_begin(params, PARAM_INT8);
    columns->kind = param_begin(params, PARAM_INT4);
    columns->language = param_begin(params, PARAM_TEXT);
    columns->stems = param_begin(params, PARAM_TEXT);
    columns->title = param_begin(params, PARAM_TEXT);
    columns->body = param_begin(params, PARAM_TEXT);
}

static void add_event(struct indexer *indexer, struct columns *columns, const struct event *event)
{
    struct arena arena = {0};
    struct param_list *params = &columns->params;
    struct indexer_text text = indexer_text_of(&arena, event);
    const char *stems = indexer->setup.configuration;
    if (text.language.len > 0) {
        stems = language_configuration((char[]){text.language.at[0], text.language.at[1], '\0'});
        param_add_bytes(params, columns->language, text.language);
    } else {
        param_add_null(params, columns->language);
    }
    param_add_int8(params, columns->created_at, event->created_at);
    param_add_int8(params, columns->tie, tag_hash_tie(&event->id));
    param_add_int8(params, columns->pkp, tag_hash_prefix(&event->pubkey));
    param_add_int4(params, columns->kind, event->kind);
    param_add_bytes(params, columns->stems, (struct span){stems, strlen(stems)});
    param_add_bytes(params, columns->title, folding_of(&arena, text.title));
    param_add_bytes(params, columns->body, folding_of(&arena, text.body));
    arena_clear(&arena);
    indexer->words++;
}

static void store(struct indexer *indexer, struct columns *columns)
{
    char text[sizeof indexer->saved];
    struct param_list place = {0};
    struct db_call calls[] = {{.statement = INDEXER_SAVE}, {.statement = INDEXER_STORE}};
    const struct place *next = &indexer->next;
    snprintf(text, sizeof text, "%s %" PRId64 " %" PRId64 " %" PRId64,
             next->is_walk ? "walk" : "follow", next->xid, next->created_at, next->tie);
    param_bytes(&place, (struct span){text, strlen(text)});
    param_bytes(&place, (struct span){indexer->saved, strlen(indexer->saved)});
    memcpy(indexer->saved, text, sizeof text);
    param_call(&place, &calls[0]);
    param_call(&columns->params, &calls[1]);
    if (!db_transaction(indexer->db, calls, indexer->words > 0 ? 2 : 1, on_stored, indexer, NULL))
        log_debug("indexer", "cannot store now");
    param_clear(&place);
}

/* Everything is indexed: what was there, or what is committed. */
static void on_end(struct indexer *indexer)
{
    uint64_t now_ms = uv_hrtime() / 1000000;
    if (indexer->place.is_walk) {
        struct columns none = {0};
        indexer->next = (struct place){false, indexer->place.xid, -1, INT64_MIN};
        log_info("indexer", "what was stored before can be searched");
        store(indexer, &none);
    } else if (now_ms - indexer->swept_ms >= SWEEP_MS) {
        sweep(indexer);
    } else {
        rest(indexer, false);
    }
}

static void take_rows(struct indexer *indexer, struct columns *columns, const PGresult *result)
{
    int count = PQntuples(result) - 1;
    for (int i = 0; i < count; i++) {
        struct arena arena = {0};
        struct event event;
        indexer->rows++;
        indexer->next.created_at = row_int8(result, i, INDEXER_CREATED_AT);
        indexer->next.tie = row_int8(result, i, INDEXER_TIE);
        if (!indexer->next.is_walk)
            indexer->next.xid = row_int8(result, i, INDEXER_XID);
        if (row_int4(result, i, INDEXER_IS_INDEXED) != 0 && row_event(&event, &arena, result, i))
            add_event(indexer, columns, &event);
        arena_clear(&arena);
        if (indexer->careful > 0 && indexer->words > 0)
            return;
    }
}

static void on_rows(void *owner, const PGresult *result)
{
    struct indexer *indexer = owner;
    struct columns columns;
    if (!is_answer(indexer, result))
        return;
    int last = PQntuples(result) - 1;
    int64_t oldest = row_int8(result, last, INDEXER_CREATED_AT);
    begin_columns(&columns);
    indexer->next = indexer->place;
    take_rows(indexer, &columns, result);
    indexer->unsaved += indexer->rows;
    say_lag(indexer,
            last < INDEXER_ROWS_MAX && !indexer->next.is_walk ? 0 : oldest - indexer->next.xid);
    if (last == 0)
        on_end(indexer);
    else if (indexer->words > 0 || indexer->unsaved >= UNSAVED_MAX)
        store(indexer, &columns);
    else
        settle(indexer);
    param_clear(&columns.params);
}

static void read_rows(struct indexer *indexer)
{
    struct param_list params = {0};
    int place = param_begin(&params, PARAM_INT4);
    for (uint32_t kind = 0; kind <= UINT16_MAX; kind++)
        if (kind_set_has(indexer->setup.kinds, (uint16_t)kind))
            param_add_int4(&params, place, (int32_t)kind);
    param_int8(&params, indexer->place.created_at);
    param_int8(&params, indexer->place.tie);
    if (!indexer->place.is_walk)
        param_int8(&params, indexer->place.xid);
    indexer->rows = indexer->words = 0;
    indexer->began_ns = uv_hrtime();
    ask(indexer, indexer->place.is_walk ? INDEXER_WALK : INDEXER_FOLLOW, &params, on_rows);
}

static bool read_place(struct place *place, const char *text)
{
    int64_t *const numbers[] = {&place->xid, &place->created_at, &place->tie};
    place->is_walk = strncmp(text, "walk ", 5) == 0;
    if (!place->is_walk && strncmp(text, "follow ", 7) != 0)
        return false;
    text += strcspn(text, " ");
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char *end;
        *numbers[i] = strtoll(text, &end, 10);
        if (end == text)
            return false;
        text = end;
    }
    return *text == '\0';
}

static void copy_place(char text[static PLACE_CHARS_MAX + 1], const PGresult *result)
{
    snprintf(text, PLACE_CHARS_MAX + 1, "%.*s", PQgetlength(result, 0, 1),
             PQgetvalue(result, 0, 1));
}

static void on_place(void *owner, const PGresult *result)
{
    struct indexer *indexer = owner;
    if (!is_answer(indexer, result))
        return;
    copy_place(indexer->saved, result);
    if (!read_place(&indexer->place, indexer->saved))
        indexer->place = (struct place){true, row_int8(result, 0, 0), INT64_MAX, INT64_MAX};
    indexer->has_place = true;
    read_rows(indexer);
}

/* Who moves events here sets it back. */
static void on_place_again(void *owner, const PGresult *result)
{
    struct indexer *indexer = owner;
    char text[sizeof indexer->saved];
    if (!is_answer(indexer, result))
        return;
    copy_place(text, result);
    if (strcmp(text, indexer->saved) == 0)
        rest(indexer, false);
    else
        on_place(indexer, result);
}

static void on_elected(void *owner, const PGresult *result)
{
    struct indexer *indexer = owner;
    struct param_list none = {0};
    if (!is_answer(indexer, result))
        return;
    indexer->is_elected = row_int4(result, 0, 0) != 0;
    if (indexer->is_elected)
        ask(indexer, INDEXER_PLACE, &none, on_place);
    else
        work_in(indexer, ELECT_MS);
}

static void elect(struct indexer *indexer)
{
    struct param_list params = {0};
    const char *schema = indexer->setup.shard->schema;
    param_bytes(&params, (struct span){schema, strlen(schema)});
    ask(indexer, INDEXER_ELECT, &params, on_elected);
}

static void on_timer(uv_timer_t *timer)
{
    struct indexer *indexer = timer->data;
    if (!db_is_ready(indexer->db))
        return;
    if (indexer->is_elected && indexer->has_place)
        read_rows(indexer);
    else
        elect(indexer);
}

static void on_state(void *owner, bool is_ready)
{
    struct indexer *indexer = owner;
    indexer->is_elected = indexer->has_place = false;
    uv_timer_stop(&indexer->timer);
    say_lag(indexer, 0);
    if (is_ready)
        elect(indexer);
}

struct indexer *indexer_new(uv_loop_t *loop, const struct indexer_setup *setup)
{
    struct indexer *indexer = calloc(1, sizeof *indexer);
    if (indexer == NULL)
        abort();
    indexer->setup = *setup;
    indexer->sweep_created_at = indexer->sweep_tie = INT64_MIN;
    indexer->timer.data = indexer;
    uv_timer_init(loop, &indexer->timer);
    const struct db_setup db = {.conninfo = setup->shard->conninfo,
                                .prepare = indexer_sql_prepare,
                                .context = setup->shard,
                                .on_state = on_state,
                                .owner = indexer,
                                .answer_ms_max = ANSWER_MS_MAX};
    indexer->db = db_new(loop, &db);
    return indexer;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void indexer_free(struct indexer *indexer)
{
    indexer->is_closing = true;
    db_free(indexer->db);
    uv_close((uv_handle_t *)&indexer->timer, on_closed);
}

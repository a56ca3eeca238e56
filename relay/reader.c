#include "relay/reader.h"

#include <stdlib.h>
#include <time.h>

#include "relay/db.h"
#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/param.h"
#include "relay/plan.h"
#include "relay/replica.h"
#include "relay/row.h"
#include "relay/schema.h"
#include "relay/tag_hash.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"

/* A page takes some milliseconds; one that takes this long is given up. */
enum { READER_STATEMENT_MS_MAX = 10000, READER_ANSWER_MS_MAX = 60000 };

struct link {
    struct reader *reader;
    struct db *db; /* NULL: freed */
};

struct reader {
    struct job *jobs;
    struct replica *replica; /* NULL: there are no standbys */
    struct hash_key key;
    bool has_key, closing;
    uint32_t turn; /* of the links */
    uint32_t count;
    struct link links[];
};

/* A page on its way: perhaps first a count, then the page, perhaps once more by a wider driver. */
struct job {
    struct reader *reader;
    struct job *previous, *next;
    struct store_read read; /* its filter and its place are copies */
    struct filter filter;
    struct store_cursor after;
    struct plan plan;
    bool is_forgotten;
    struct replica_turn turn;
    struct db *standby; /* that is asked; NULL: the primary is */
    struct arena arena;
};

static struct job *job_new(struct reader *reader, const struct store_read *read)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    job->reader = reader;
    job->read = *read;
    filter_copy(&job->filter, &job->arena, read->filter);
    job->read.filter = &job->filter;
    if (read->after != NULL) {
        job->after = *read->after;
        job->read.after = &job->after;
    }
    job->next = reader->jobs;
    if (job->next != NULL)
        job->next->previous = job;
    reader->jobs = job;
    return job;
}

static void job_unlink(struct job *job)
{
    if (job->previous != NULL)
        job->previous->next = job->next;
    else
        job->reader->jobs = job->next;
    if (job->next != NULL)
        job->next->previous = job->previous;
}

static void job_free(struct job *job)
{
    arena_clear(&job->arena);
    free(job);
}

/* The reply may free the reader. */
static void finish(struct job *job, const struct store_page *page)
{
    job_unlink(job);
    if (!job->is_forgotten)
        job->read.reply(job->read.owner, page);
    job_free(job);
}

/* The ready connection with the least to do; in turn where they are equal. */
static struct db *choose_db(struct reader *reader)
{
    struct db *best = NULL;
    reader->turn++;
    for (uint32_t i = 0; i < reader->count; i++) {
        struct db *db = reader->links[(reader->turn + i) % reader->count].db;
        if (db != NULL && db_is_ready(db) && (best == NULL || db_pending(db) < db_pending(best)))
            best = db;
    }
    return best;
}

static bool is_answer(const PGresult *result, bool is_standby)
{
    if (result == NULL)
        return false;
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return true;
    const char *text = PQresultErrorMessage(result);
    log_line(is_standby ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "reader", "%s%.*s",
             is_standby ? "the primary is asked again: " : "", (int)strcspn(text, "\n"), text);
    metrics_add(METRIC_DATABASE_ERRORS, 1);
    return false;
}

static bool submit(struct job *job, const char *statement, struct param_list *params,
                   db_reply_fn *reply, struct err *err)
{
    struct db *db = job->standby != NULL ? job->standby : choose_db(job->reader);
    struct db_call call = {.statement = statement, .reply = reply, .owner = job};
    param_call(params, &call);
    bool is_sent = db != NULL ? db_query(db, &call, err)
                              : err_set(err, ERR_INTERNAL, "the database is unavailable");
    param_clear(params);
    return is_sent;
}

static void fail(struct job *job);
static void on_page(void *owner, const PGresult *result);

static bool ask_page(struct job *job, struct err *err)
{
    struct param_list params = {0};
    char name[PLAN_NAME_MAX];
    plan_name(name, &job->plan.shape);
    plan_bind(&params, &job->plan, &job->read, &job->reader->key);
    return submit(job, name, &params, on_page, err);
}

static bool is_too_wide(const struct job *job, const PGresult *result)
{
    int last = PQntuples(result) - 1;
    return !job->plan.shape.is_direct && last >= 0 &&
           row_int4(result, last, PLAN_TOTAL) == PLAN_TOO_WIDE;
}

static bool is_same_place(const PGresult *result, int a, int b)
{
    return row_int8(result, a, PLAN_CREATED_AT) == row_int8(result, b, PLAN_CREATED_AT) &&
           row_int8(result, a, PLAN_TIE) == row_int8(result, b, PLAN_TIE);
}

/* Whether the rows before the last one end before the candidates do. */
static bool is_cut(const struct job *job, const PGresult *result)
{
    int rows = PQntuples(result) - 1;
    int64_t bytes = 0;
    for (int i = 0; i < rows; i++)
        bytes += PQgetlength(result, i, PLAN_TAGS) + PQgetlength(result, i, PLAN_CONTENT);
    if ((uint32_t)rows < job->read.rows && bytes < PLAN_BYTES_MAX)
        return false;
    return rows > 0 && !is_same_place(result, rows - 1, rows);
}

/* All rows are events, the expired as well. One more than wanted, if it is there, tells that this
 * is not the end. */
static void read_direct(struct store_page *page, struct job *job, const PGresult *result)
{
    int rows = PQntuples(result);
    bool is_more = (uint32_t)rows > job->read.rows;
    rows -= is_more;
    int64_t bytes = 0, now = time(NULL), expires_at;
    struct event *events = arena_array(&job->arena, struct event, (size_t)rows);
    for (int i = 0; i < rows; i++) {
        struct event *event = &events[page->count];
        bytes += PQgetlength(result, i, PLAN_TAGS) + PQgetlength(result, i, PLAN_CONTENT);
        if (row_event(event, &job->arena, result, i) &&
            !(event_expiration(event, &expires_at) && expires_at <= now) &&
            filter_match(&job->filter, event))
            page->count++;
    }
    page->events = events;
    page->finished = job->plan.shape.driver == PLAN_IDS || (!is_more && bytes < PLAN_BYTES_MAX);
    if (page->finished)
        return;
    page->next.created_at = row_int8(result, rows - 1, PLAN_CREATED_AT);
    page->next.id_prefix = tag_hash_id_prefix(row_int8(result, rows - 1, PLAN_TIE));
}

static void read_page(struct store_page *page, struct job *job, const PGresult *result)
{
    if (job->plan.shape.is_direct) {
        read_direct(page, job, result);
        return;
    }
    int rows = PQntuples(result) - 1; /* the last says where the candidates end */
    if (rows < 0) {
        page->finished = true;
        return;
    }
    struct event *events = arena_array(&job->arena, struct event, (size_t)rows);
    for (int i = 0; i < rows; i++)
        if (row_event(&events[page->count], &job->arena, result, i) &&
            filter_match(&job->filter, &events[page->count]))
            page->count++;
    page->events = events;
    int end = is_cut(job, result) ? rows - 1 : rows;
    page->next.created_at = row_int8(result, end, PLAN_CREATED_AT);
    page->next.id_prefix = tag_hash_id_prefix(row_int8(result, end, PLAN_TIE));
    page->finished = end == rows && row_int4(result, rows, PLAN_TOTAL) <
                                        (int32_t)plan_bucket_rows(&job->plan.shape);
}

static void on_page(void *owner, const PGresult *result)
{
    struct job *job = owner;
    if (!is_answer(result, job->standby != NULL)) {
        fail(job);
        return;
    }
    if (is_too_wide(job, result)) {
        plan_widen(&job->plan, &job->read);
        if (job->is_forgotten || !ask_page(job, NULL))
            fail(job);
        return;
    }
    struct store_page page = {0};
    read_page(&page, job, result);
    metrics_add(METRIC_PAGES_REPLICA, job->standby != NULL);
    finish(job, &page);
}

static void on_counts(void *owner, const PGresult *result)
{
    struct job *job = owner;
    if (!is_answer(result, job->standby != NULL) || job->is_forgotten) {
        fail(job);
        return;
    }
    struct plan_counts counts = {.authors = row_int8(result, 0, 0)};
    for (int i = 0; i < PLAN_TAGS_MAX; i++)
        counts.tags[i] = row_int8(result, 0, 1 + i);
    job->plan = plan_choose(&job->read, &counts);
    if (!ask_page(job, NULL))
        fail(job);
}

static bool ask_counts(struct job *job, struct err *err)
{
    struct param_list params = {0};
    plan_bind_count(&params, &job->read, &job->reader->key);
    return submit(job, plan_count_name(&job->filter), &params, on_counts, err);
}

static bool start(struct job *job, struct err *err)
{
    if (plan_is_open(&job->filter))
        return ask_counts(job, err);
    job->plan = plan_choose(&job->read, NULL);
    return ask_page(job, err);
}

/* What a standby does not answer the primary is asked from the beginning. */
static void fail(struct job *job)
{
    bool is_lost = job->standby == NULL || job->is_forgotten || job->reader->closing;
    job->standby = NULL;
    if (is_lost || !start(job, NULL))
        finish(job, NULL);
}

static void on_turn(void *owner, struct db *db)
{
    struct job *job = owner;
    job->standby = db;
    if (job->is_forgotten || !start(job, NULL))
        fail(job);
}

static void on_key(void *owner, const PGresult *result)
{
    struct reader *reader = owner;
    if (result == NULL)
        return;
    if (tag_hash_key_read(&reader->key, result))
        reader->has_key = true;
    else
        log_error("reader", "the schema has no hash key");
}

/* Asked of every new connection: the database behind it may be another. */
static void on_state(void *owner, bool is_ready)
{
    struct link *link = owner;
    const struct db_call call = {
        .statement = PLAN_HASH_KEY, .reply = on_key, .owner = link->reader};
    if (is_ready && !db_query(link->db, &call, NULL))
        log_error("reader", "cannot ask for the hash key");
}

static bool prepare(PGconn *conn, const void *context)
{
    if (!schema_enter(conn, context, READER_STATEMENT_MS_MAX))
        return false;
    PGresult *result = PQexec(conn, "SET default_transaction_read_only TO on");
    bool is_ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return is_ok && plan_prepare(conn);
}

struct reader *reader_new(uv_loop_t *loop, const struct shard *shard, uint32_t connections)
{
    struct reader *reader = calloc(1, sizeof *reader + connections * sizeof *reader->links);
    if (reader == NULL)
        abort();
    reader->count = connections;
    for (uint32_t i = 0; i < connections; i++) {
        const struct db_setup setup = {.conninfo = shard->conninfo,
                                       .prepare = prepare,
                                       .context = shard,
                                       .on_state = on_state,
                                       .owner = &reader->links[i],
                                       .answer_ms_max = READER_ANSWER_MS_MAX};
        reader->links[i].reader = reader;
        reader->links[i].db = db_new(loop, &setup);
    }
    if (shard->standbys != NULL)
        reader->replica = replica_new(loop, shard, connections);
    return reader;
}

/* Replies may ask for pages: they are refused. One may not free the reader once more. */
void reader_free(struct reader *reader)
{
    reader->closing = true;
    if (reader->replica != NULL)
        replica_free(reader->replica);
    for (uint32_t i = 0; i < reader->count; i++) {
        struct db *db = reader->links[i].db;
        reader->links[i].db = NULL;
        db_free(db);
    }
    free(reader);
}

bool reader_is_ready(const struct reader *reader)
{
    if (!reader->has_key || reader->closing)
        return false;
    for (uint32_t i = 0; i < reader->count; i++)
        if (reader->links[i].db != NULL && db_is_ready(reader->links[i].db))
            return true;
    return false;
}

bool reader_read(struct reader *reader, const struct store_read *read, struct err *err)
{
    if (!reader_is_ready(reader))
        return err_set(err, ERR_INTERNAL, "the database is unavailable");
    struct job *job = job_new(reader, read);
    job->turn = (struct replica_turn){.begin = on_turn, .owner = job};
    if (read->may_be_early && reader->replica != NULL && replica_is_near(reader->replica)) {
        replica_await(reader->replica, &job->turn);
        return true;
    }
    if (start(job, err))
        return true;
    job_unlink(job);
    job_free(job);
    return false;
}

void reader_forget(struct reader *reader, const void *owner)
{
    for (struct job *job = reader->jobs; job != NULL; job = job->next)
        job->is_forgotten |= job->read.owner == owner;
}

#include "tests/made.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/db.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "tests/test.h"

struct arena made_arena;
struct shard made_shard;
uv_loop_t made_loop;
struct made_store made_one;

const char *made_text(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(&made_arena, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

const char *made_hex(const struct bytes32 *id)
{
    char digits[2 * sizeof *id + 1] = {0};
    hex_encode(digits, id->at, sizeof *id);
    return made_text("%s", digits);
}

const char *made_key(char author)
{
    struct bytes32 key;
    memset(key.at, author, sizeof key);
    return made_hex(&key);
}

static void set_id(struct event *event)
{
    event->id = event_hash(event, EVENT_FORM_JSON);
    memset(event->sig.at, event->id.at[0], sizeof event->sig);
}

struct event *made_event(char author, int64_t created_at, uint16_t kind, const char *tags)
{
    static int number;
    struct event *event = arena_alloc(&made_arena, sizeof *event);
    struct err err = {0};
    const char *content = made_text("number %d", ++number);
    memset(event->pubkey.at, author, sizeof event->pubkey);
    event->created_at = created_at;
    event->kind = kind;
    event->content_json = (struct span){content, strlen(content)};
    const char *json = made_text("%s", tags);
    if (!event_parse_tags(event, &made_arena, (struct span){json, strlen(json)}, &err))
        fail_msg("%s", err.text);
    set_id(event);
    return event;
}

struct event *made_like(const struct event *event)
{
    static int number;
    struct event *other = arena_alloc(&made_arena, sizeof *other);
    const char *content = made_text("like %d", ++number);
    *other = *event;
    other->content_json = (struct span){content, strlen(content)};
    set_id(other);
    return other;
}

void made_sql(const struct shard *shard, const char *sql)
{
    PGconn *conn = db_connect(shard->conninfo);
    PGresult *set = PQexec(conn, made_text("SET client_min_messages TO error;"
                                           "SET search_path TO \"%s\"",
                                           shard->schema));
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(set);
    PQclear(result);
    PQfinish(conn);
}

int64_t made_number(const struct shard *shard, const char *sql)
{
    PGconn *conn = db_connect(shard->conninfo);
    PQclear(PQexec(conn, made_text("SET search_path TO \"%s\"", shard->schema)));
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    int64_t value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    PQfinish(conn);
    return value;
}

void made_schema(struct shard *shard, const char *schema)
{
    struct err err;
    /* Named, so that a test can kill its own connections and nobody else's. */
    static char conninfo[512];
    snprintf(conninfo, sizeof conninfo, "%s application_name=%s", getenv("TEST_DB"), schema);
    *shard = (struct shard){.conninfo = conninfo, .schema = schema};
    made_sql(shard, made_text("DROP SCHEMA IF EXISTS \"%s\" CASCADE", schema));
    if (!schema_migrate(shard, &err))
        fail_msg("%s", err.text);
}

static void see(struct made_store *made, const struct event *event)
{
    if (made->seen != NULL)
        text_addf(made->seen, "%.*s\n", SPAN_ARG(event->content_json));
}

static void on_foreign(void *owner, const struct event *event)
{
    see(owner, event);
}

void made_open(struct made_store *made, uv_loop_t *loop, const struct shard *shard)
{
    const struct store_setup setup = {.shard = shard,
                                      .readers = 1,
                                      .on_foreign = on_foreign,
                                      .hears_all = made->hears_all,
                                      .owner = made,
                                      .poll_ms = MADE_POLL_MS};
    made->loop = loop;
    made->store = store_new(loop, &setup);
    while (!store_is_ready(made->store))
        uv_run(loop, UV_RUN_ONCE);
}

void made_close(struct made_store *made)
{
    store_free(made->store);
    made->store = NULL;
}

struct put {
    struct made_store *made;
    const struct event *event;
    enum store_verdict *verdict;
    uint32_t *settled, *left; /* left: neither settled as other than new, nor announced */
};

static void on_settled(void *owner, enum store_verdict verdict)
{
    struct put *put = owner;
    *put->verdict = verdict;
    *put->settled += 1;
    if (verdict != STORE_NEW)
        *put->left -= 1;
}

static void on_announced(void *owner)
{
    struct put *put = owner;
    assert_int_equal(*put->verdict, STORE_NEW);
    put->made->announced++;
    see(put->made, put->event);
    *put->left -= 1;
}

void made_put_all(struct made_store *made, struct event *const *events, uint32_t count,
                  enum store_verdict *verdicts)
{
    struct put *puts = calloc(count, sizeof *puts);
    uint32_t settled = 0, left = count;
    assert_non_null(puts);
    for (uint32_t i = 0; i < count; i++) {
        puts[i] = (struct put){made, events[i], &verdicts[i], &settled, &left};
        const struct store_put put = {events[i], on_settled, on_announced, &puts[i]};
        store_put(made->store, &put);
    }
    assert_int_equal(settled, 0); /* never from within the call */
    while (left > 0)
        uv_run(made->loop, UV_RUN_ONCE);
    assert_int_equal(settled, count);
    free(puts);
}

enum store_verdict made_put(struct made_store *made, const struct event *event)
{
    enum store_verdict verdict = STORE_FAILED;
    struct event copy = *event;
    struct event *one = &copy;
    made_put_all(made, &one, 1, &verdict);
    return verdict;
}

struct read {
    const struct event *event;
    bool replied, found;
};

static void on_page(void *owner, const struct store_page *page)
{
    struct read *read = owner;
    const struct event *wanted = read->event;
    read->replied = true;
    assert_non_null(page);
    for (uint32_t i = 0; i < page->count; i++) {
        const struct event *event = &page->events[i];
        read->found = true;
        assert_memory_equal(&event->id, &wanted->id, sizeof event->id);
        assert_memory_equal(&event->pubkey, &wanted->pubkey, sizeof event->pubkey);
        assert_memory_equal(&event->sig, &wanted->sig, sizeof event->sig);
        assert_int_equal(event->created_at, wanted->created_at);
        assert_int_equal(event->kind, wanted->kind);
        assert_true(span_eq(event->tags_json, wanted->tags_json));
        assert_true(span_eq(event->content_json, wanted->content_json));
    }
}

bool made_is_stored(struct made_store *made, const struct event *event)
{
    const struct filter filter = {
        .until = INT64_MAX, .limit = FILTER_NO_LIMIT, .ids = {.count = 1, .at = &event->id}};
    struct read read = {.event = event};
    struct err err;
    const struct store_read call = {.filter = &filter, .rows = 1, .reply = on_page, .owner = &read};
    if (!store_read(made->store, &call, &err))
        fail_msg("%s", err.text);
    while (!read.replied)
        uv_run(made->loop, UV_RUN_ONCE);
    return read.found;
}

struct event *made_deletion(char author, int64_t created_at, const struct event *target)
{
    return made_event(author, created_at, KIND_DELETION,
                      made_text("[[\"e\",\"%s\"]]", made_hex(&target->id)));
}

int made_start(void **state)
{
    (void)state;
    made_schema(&made_shard, "test_store");
    assert_int_equal(uv_loop_init(&made_loop), 0);
    made_one = (struct made_store){0};
    made_open(&made_one, &made_loop, &made_shard);
    return 0;
}

/* Whatever a test did, every tag row belongs to an event and every event has its tag rows. */
static void check_tags(void)
{
    assert_int_equal(
        made_number(&made_shard,
                    "SELECT count(*) FROM etag t WHERE created_at >= 0 AND NOT EXISTS (SELECT FROM"
                    " event e WHERE e.created_at = t.created_at AND"
                    " e.tie = t.tie AND t.h = ANY (e.tag_hashes) AND"
                    " e.kind = t.kind AND e.pkp = t.pkp)"),
        0);
    assert_int_equal(made_number(&made_shard, "SELECT coalesce(sum(cardinality(tag_hashes)), 0) -"
                                              " (SELECT count(*) FROM etag WHERE created_at >= 0)"
                                              " FROM event"),
                     0);
}

int made_stop(void **state)
{
    (void)state;
    check_tags();
    made_close(&made_one);
    uv_run(&made_loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&made_loop), 0);
    made_sql(&made_shard, "DROP SCHEMA test_store CASCADE");
    arena_clear(&made_arena);
    return 0;
}

void made_run_for(uint64_t ms)
{
    uint64_t start_ms = uv_now(&made_loop);
    while (uv_now(&made_loop) - start_ms < ms)
        uv_run(&made_loop, UV_RUN_ONCE);
}

int64_t made_moment(void)
{
    return made_number(&made_shard, "SELECT (1e6 * extract(epoch FROM clock_timestamp()))::int8");
}

void made_await_lists(int64_t tails, int64_t since_us)
{
    const char *count =
        made_text("SELECT count(*) FROM pg_stat_activity WHERE application_name ="
                  " 'test_store' AND query LIKE '%%pg_snapshot_xmin%%' AND pid <>"
                  " pg_backend_pid() AND 1e6 * extract(epoch FROM query_start) > %lld",
                  (long long)since_us);
    while (made_number(&made_shard, count) < tails)
        made_run_for(MADE_POLL_MS / 5);
}

int64_t made_kill(const char *whose)
{
    return made_number(&made_shard,
                       made_text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                                 " WHERE application_name = 'test_store' AND backend_type ="
                                 " 'client backend' AND pid <> pg_backend_pid() AND %s",
                                 whose));
}

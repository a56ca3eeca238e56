#include <stdio.h>
#include <stdlib.h>

#include "ops/bench/corpus.h"
#include "ops/bench/fatal.h"
#include "ops/bench/floor.h"
#include "ops/bench/histogram.h"
#include "ops/bench/usage.h"
#include "relay/schema.h"
#include "relay/tag_hash.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

enum { BATCH = 500, LONE = 500 };
enum { INT8_ARRAY_HEAD_BYTES = 20, INT8_OID = 20, COPY_HEAD_BYTES = 19 };

/* The rows of a batch as COPY's binary format has them. */
struct rows {
    struct text events, tags;
    struct hash_key key;
    uint64_t serial; /* gives each replaceable event an address of its own: nothing is replaced */
};

static void run(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fatal("%s: %s", sql, PQerrorMessage(conn));
    PQclear(result);
}

static void add_number(struct text *out, uint64_t value, size_t bytes)
{
    char *at = text_reserve(out, bytes);
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)(value >> (8 * (bytes - 1 - i)));
    out->len += bytes;
}

static void add_int8(struct text *out, int64_t value)
{
    add_number(out, 8, 4);
    add_number(out, (uint64_t)value, 8);
}

static void add_int4(struct text *out, uint32_t value)
{
    add_number(out, 4, 4);
    add_number(out, value, 4);
}

static void add_bytes(struct text *out, struct span bytes)
{
    add_number(out, bytes.len, 4);
    text_add(out, bytes);
}

static void add_null(struct text *out)
{
    add_number(out, UINT32_MAX, 4);
}

static void add_hashes(struct text *out, const int64_t *hashes, uint32_t count)
{
    add_number(out, INT8_ARRAY_HEAD_BYTES + 12 * (uint64_t)count, 4);
    add_number(out, 1, 4); /* dimensions */
    add_number(out, 0, 4); /* nulls */
    add_number(out, INT8_OID, 4);
    add_number(out, count, 4);
    add_number(out, 1, 4); /* first index */
    for (uint32_t i = 0; i < count; i++)
        add_int8(out, hashes[i]);
}

static bool has_address(uint32_t kind)
{
    return kind == 0 || kind == 3 || (kind >= 10000 && kind < 20000) ||
           (kind >= 30000 && kind < 40000);
}

static void add_event(struct rows *rows, const struct event *event)
{
    struct text *out = &rows->events;
    int64_t *hashes = fatal_alloc((size_t)event->tag_count + 1, sizeof *hashes);
    uint32_t count = tag_hash_list(&rows->key, hashes, event);
    int64_t tie = tag_hash_tie(&event->id);
    int64_t pkp = tag_hash_prefix(&event->pubkey);
    add_number(out, 11, 2);
    add_int8(out, event->created_at);
    add_int8(out, tie);
    add_int8(out, pkp);
    if (has_address(event->kind))
        add_int8(out, (int64_t)++rows->serial);
    else
        add_null(out);
    add_int4(out, event->kind);
    add_bytes(out, SPAN_OF(event->id));
    add_bytes(out, SPAN_OF(event->pubkey));
    add_bytes(out, SPAN_OF(event->sig));
    add_hashes(out, hashes, count);
    add_bytes(out, event->tags_json);
    add_bytes(out, event->content_json);
    for (uint32_t i = 0; i < count; i++) {
        add_number(&rows->tags, 5, 2);
        add_int8(&rows->tags, hashes[i]);
        add_int8(&rows->tags, event->created_at);
        add_int8(&rows->tags, tie);
        add_int8(&rows->tags, pkp);
        add_int4(&rows->tags, event->kind);
    }
    free(hashes);
}

static void copy(PGconn *conn, const char *sql, struct text *rows)
{
    static const char head[COPY_HEAD_BYTES] = "PGCOPY\n\377\r\n";
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_COPY_IN)
        fatal("%s: %s", sql, PQerrorMessage(conn));
    PQclear(result);
    if (PQputCopyData(conn, head, sizeof head) != 1 ||
        (rows->len > 0 && PQputCopyData(conn, rows->at, (int)rows->len) != 1) ||
        PQputCopyEnd(conn, NULL) != 1)
        fatal("%s: %s", sql, PQerrorMessage(conn));
    for (result = PQgetResult(conn); result != NULL; result = PQgetResult(conn)) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            fatal("%s: %s", sql, PQerrorMessage(conn));
        PQclear(result);
    }
    rows->len = 0;
}

static void copy_batch(PGconn *conn, struct rows *rows, const struct corpus_event *events,
                       size_t count)
{
    struct arena arena = {0};
    struct err err;
    for (size_t i = 0; i < count; i++) {
        struct event event;
        if (!event_parse(&event, &arena, events[i].json, &err))
            fatal("%s", err.text);
        add_event(rows, &event);
    }
    arena_clear(&arena);
    run(conn, "BEGIN");
    copy(conn,
         "COPY event (created_at, tie, pkp, dh, kind, id, pubkey, sig, tag_hashes, tags, content)"
         " FROM STDIN (FORMAT binary)",
         &rows->events);
    copy(conn, "COPY etag (h, created_at, tie, pkp, kind) FROM STDIN (FORMAT binary)", &rows->tags);
    run(conn, "COMMIT");
}

static PGconn *enter(const struct shard *shard, struct rows *rows)
{
    struct err err;
    PGconn *conn = PQconnectdb(shard->conninfo);
    if (PQstatus(conn) != CONNECTION_OK)
        fatal("%s", PQerrorMessage(conn));
    run(conn, "SET client_min_messages TO error; DROP SCHEMA IF EXISTS bench_floor CASCADE");
    if (!schema_migrate(shard, &err))
        fatal("%s", err.text);
    if (!schema_enter(conn, shard, 0) || !tag_hash_key_load(&rows->key, conn))
        fatal("%s", PQerrorMessage(conn));
    return conn;
}

void floor_copy(const char *conninfo, const char *path, size_t count)
{
    struct shard shard = {.conninfo = conninfo, .schema = "bench_floor"};
    struct corpus corpus;
    struct rows rows = {0};
    struct histogram lone = {0};
    corpus_open(&corpus, path, 0, count);
    if (count <= LONE)
        fatal("at least %d events are needed", LONE);
    PGconn *conn = enter(&shard, &rows);
    for (size_t i = 0; i < LONE; i++) {
        uint64_t start_ns = usage_now_ns();
        copy_batch(conn, &rows, &corpus.events[i], 1);
        histogram_add(&lone, usage_now_ns() - start_ns);
    }
    uint64_t start_ns = usage_now_ns();
    for (size_t i = LONE; i < count; i += BATCH)
        copy_batch(conn, &rows, &corpus.events[i], count - i < BATCH ? count - i : BATCH);
    double wall_s = (double)(usage_now_ns() - start_ns) / 1e9;
    printf("per_s %.0f\none_p50_us %.1f\n", (double)(count - LONE) / wall_s,
           histogram_us(&lone, 0.5));
    run(conn, "DROP SCHEMA bench_floor CASCADE");
    PQfinish(conn);
    text_clear(&rows.events);
    text_clear(&rows.tags);
    corpus_clear(&corpus);
}

/* metrics.h - what the relay counts, as one table, and the page Prometheus reads.
 *
 * All processes of a relay count into one shared mapping, a slot each, so that /metrics of any
 * process is the sum of all. A process that is started again takes over its slot: counters
 * go on, gauges start at zero.
 *
 *   units    as the names say: _total counts, _seconds, _bytes
 *   threads  counting: loop thread of the slot's process; writing the page: any process
 */
#pragma once

#include "shared/base.h"
#include "shared/err.h"

struct text;

#define METRICS_COUNTERS(X)                                                                    \
    X(CONNECTIONS_OPENED, "connections_opened_total", "websocket connections accepted")        \
    X(CONNECTIONS_REFUSED, "connections_refused_total", "connections over a limit")            \
    X(MESSAGES_RECEIVED, "messages_received_total", "websocket messages from clients")         \
    X(BYTES_RECEIVED, "received_bytes_total", "bytes of websocket messages from clients")      \
    X(FRAMES_SENT, "frames_sent_total", "websocket messages to clients")                       \
    X(BYTES_SENT, "sent_bytes_total", "bytes of websocket messages to clients")                \
    X(EVENTS_RECEIVED, "events_received_total", "EVENT messages")                              \
    X(EVENTS_STORED, "events_stored_total", "events committed as new")                         \
    X(EVENTS_DUPLICATE, "events_duplicate_total", "events that were stored already")           \
    X(EVENTS_EPHEMERAL, "events_ephemeral_total", "events forwarded and not stored")           \
    X(REQS_RECEIVED, "reqs_received_total", "REQ messages")                                    \
    X(COUNTS_RECEIVED, "counts_received_total", "COUNT messages")                              \
    X(RECONCILES_OPENED, "reconciles_opened_total", "NEG-OPEN messages")                       \
    X(EVENTS_DELIVERED, "events_delivered_total", "live events queued to a subscription")      \
    X(SLOW_READERS_CUT, "slow_readers_cut_total", "connections closed with a full outbox")     \
    X(EVENTS_INDEXED, "events_indexed_total", "events made ready to be searched")              \
    X(PLUGIN_FAILURES, "plugin_failures_total", "events that the policy plugin did not judge") \
    X(PLUGIN_STARTS, "plugin_starts_total", "starts of the policy plugin")                     \
    X(DATABASE_ERRORS, "database_errors_total", "statements and connections that failed")      \
    X(EVENTS_PURGED, "events_purged_total", "events deleted: expired, banned, past retention") \
    X(PAGES_WINDOW, "pages_window_total", "pages of REQ and COUNT answered from memory")       \
    X(PAGES_DATABASE, "pages_database_total", "pages of REQ and COUNT asked of the database")  \
    X(PAGES_REPLICA, "pages_replica_total", "pages of those that a replica answered")

#define METRICS_GAUGES(X)                                                     \
    X(CONNECTIONS, "connections", "websocket connections open")               \
    X(SUBSCRIPTIONS, "subscriptions", "subscriptions open")                   \
    X(VERIFY_QUEUE, "verify_queue", "events waiting for the worker pool")     \
    X(STORE_QUEUE, "store_queue", "events waiting for a batch")               \
    X(OUTBOX_BYTES, "outbox_bytes", "bytes waiting for clients to read them") \
    X(SEARCH_LAG, "search_lag_transactions", "not searched yet")              \
    X(DATABASE_UP, "database_connections_up", "database connections ready")   \
    X(REPLICA_UP, "replica_connections_up", "of those to replicas")           \
    X(REPLICA_LAG, "replica_lag_bytes", "WAL not replayed, of all processes") \
    X(WINDOW_EVENTS, "window_events", "events held in memory")                \
    X(WINDOW_BYTES, "window_bytes", "what events held in memory take")        \
    X(WINDOW_SECONDS, "window_seconds", "age of the oldest event held, of all processes")

#define METRICS_HISTOGRAMS(X)                                     \
    X(ACK_SECONDS, "ack_seconds", "EVENT received to OK queued")  \
    X(REQ_SECONDS, "req_seconds", "REQ received to EOSE queued")  \
    X(BATCH_EVENTS, "batch_events", "events in one ingest batch") \
    X(FANOUT_SECONDS, "fanout_seconds", "commit of a batch to its last delivery queued")

#define METRICS_ENUM(name, label, help) METRIC_##name,
enum metric_counter { METRICS_COUNTERS(METRICS_ENUM) METRIC_COUNTER_COUNT };
enum metric_gauge { METRICS_GAUGES(METRICS_ENUM) METRIC_GAUGE_COUNT };
enum metric_histogram { METRICS_HISTOGRAMS(METRICS_ENUM) METRIC_HISTOGRAM_COUNT };
#undef METRICS_ENUM

enum { METRICS_PROCESSES_MAX = 64 };

/* Before fork: maps the slots. Tests and tools may skip it: then one private slot is used. */
void metrics_open(void);

/* In the process itself: which slot it counts into. */
void metrics_use(uint32_t process);

void metrics_add(enum metric_counter counter, uint64_t count);
void metrics_set(enum metric_gauge gauge, int64_t value);
void metrics_move(enum metric_gauge gauge, int64_t difference);
void metrics_observe(enum metric_histogram histogram, double value);

/* One refusal, in an OK, CLOSED or NOTICE. */
void metrics_refused(enum err_code code);

/* Sum over the processes. */
uint64_t metrics_total(enum metric_counter counter);

/* Prometheus text exposition format 0.0.4; every name begins shoal_relay_. */
void metrics_write(struct text *out);

/* made.h - events that nobody signed, and a store that is asked and waited for.
 *
 *   ownership  events live in made_arena until it is cleared
 */
#pragma once

#include "relay/schema.h"
#include "relay/store.h"
#include "shared/arena.h"
#include "shared/event.h"

extern struct arena made_arena;

/* author: a letter, whose key is that letter 32 times. The id is the hash. tags: JSON. */
struct event *made_event(char author, int64_t created_at, uint16_t kind, const char *tags);

/* Another event that differs from it in content. */
struct event *made_like(const struct event *event);

const char *made_key(char author);              /* hex */
const char *made_hex(const struct bytes32 *id); /* hex */
const char *made_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A store on its own loop, with a schema of its own in the database of $TEST_DB. */
struct made_store {
    uv_loop_t *loop;
    struct store *store;
    uint32_t announced;
    struct text *seen; /* contents of what was announced or foreign, a line each, when not NULL */
    bool hears_all;    /* what was stored before, too; as in store.h */
};

void made_schema(struct shard *shard, const char *schema); /* dropped if there, migrated */
void made_sql(const struct shard *shard, const char *sql);
int64_t made_number(const struct shard *shard, const char *sql);

void made_open(struct made_store *made, uv_loop_t *loop, const struct shard *shard);
void made_close(struct made_store *made);

/* In one batch if they may be, in this order. */
void made_put_all(struct made_store *made, struct event *const *events, uint32_t count,
                  enum store_verdict *verdicts);
enum store_verdict made_put(struct made_store *made, const struct event *event);

/* Whether the event can be read, and is what it was. */
bool made_is_stored(struct made_store *made, const struct event *event);

void made_run_for(uint64_t ms);

/* What needs a poll has come after this, if it comes: the tails of these stores poll more often. */
enum { MADE_POLL_MS = 50, MADE_QUIET_MS = 6 * MADE_POLL_MS };

/* Microseconds of the database's clock. */
int64_t made_moment(void);

/* Runs until so many tails have asked, since that moment, what was committed. */
void made_await_lists(int64_t tails, int64_t since_us);

/* Connections of the test's stores, its own server processes only; how many. */
int64_t made_kill(const char *whose);
#define MADE_TAILS "(query LIKE '%pg_snapshot_xmin%' OR query LIKE '%ORDINALITY%')"

/* NIP-09, of one event. */
struct event *made_deletion(char author, int64_t created_at, const struct event *target);

/* A test with a store of its own; at its end every tag row must belong to an event and every event
 * must have its tag rows. */
extern struct shard made_shard;
extern uv_loop_t made_loop;
extern struct made_store made_one;
int made_start(void **state);
int made_stop(void **state);

#define MADE_TEST(test) cmocka_unit_test_setup_teardown(test, made_start, made_stop)
#define MADE_PUT(verdict, event) assert_int_equal(made_put(&made_one, event), verdict)
#define MADE_STORED(event) assert_true(made_is_stored(&made_one, event))
#define MADE_GONE(event) assert_false(made_is_stored(&made_one, event))

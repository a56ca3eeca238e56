/* order.h - a paid job, from its quote to its settlement: a state machine in PostgreSQL.
 *
 *     QUOTED --pay--> PENDING --claim--> CLAIMED --first window--> RUNNING --> COMPLETED
 *        |               ^ |                | |                     |  |
 *        v expiry        | v cancel,        +-|---------------------+  +-----> FAILED, CANCELLED
 *     EXPIRED            | CANCELLED          | lease lost
 *                        +--------------------+ while attempts are left
 *
 * Each arrow is one transaction, in which the money moves, too: what was delivered is paid for, and
 * where nothing was, all goes back. Any number of executors, of any number of machines, claim jobs
 * from one database. Who claims one has it for the time of a lease, which it renews, and gets a
 * number, its fence, that is one more than that of whoever had it before: what is written with an
 * older fence is refused.
 *
 * What is delivered goes by windows, which are in the database before anybody is told of them. A
 * job has a seed, and the same job with the same seed has the same answer: after a lease is lost,
 * whoever is next makes it again, leaves out what was delivered, and goes on behind it.
 *
 * Whoever waits is told on channels of PostgreSQL (bell.h): "job", whose payload is the model, when
 * there is one to be claimed; "window" and "cancel", whose payload is the quote, when there is more
 * of one, or an end of it, and when it is wanted no more.
 *
 *   units      tokens; amounts in the job's unit; milliseconds
 *   ownership  what comes out lives in the arena
 *   threads    any; a call waits for the database
 *   errors     ORDER_LOST the fence is old, or it has ended; ORDER_AWAY and err: the database
 */
#pragma once

#include "gpu/database.h"
#include "gpu/fault.h"
#include "gpu/price.h"
#include "gpu/uuid.h"

struct arena;
struct holder;
struct mint;
struct orders;

enum {
    ORDER_EXPIRY_S = 60, /* of a quote */
    ORDER_ATTEMPTS_MAX = 3,
    ORDER_DEADLINE_MS = 600000,
    ORDER_MODEL_BYTES_MAX = 128
};

enum order_state {
    ORDER_QUOTED,
    ORDER_PENDING,
    ORDER_CLAIMED,
    ORDER_RUNNING,
    ORDER_COMPLETED,
    ORDER_FAILED,
    ORDER_CANCELLED,
    ORDER_EXPIRED
};

/* "PENDING" */
const char *order_state_name(enum order_state state);
bool order_has_ended(enum order_state state);

enum order_answer { ORDER_DONE, ORDER_LOST, ORDER_AWAY };

struct orders_setup {
    struct database *database; /* borrowed, as all here */
    struct mint *mint;
    const struct holder *holder; /* signs receipts; NULL: there are none */
    struct bytes32 model;        /* its root, for receipts */
    const char *profile;         /* what makes the answers: "cpu" */
    struct price_policy policy;
    uint32_t attempts_max; /* 0: ORDER_ATTEMPTS_MAX */
    uint32_t deadline_ms;  /* of a job, from when it is paid; 0: ORDER_DEADLINE_MS */
};

struct orders *orders_open(const struct orders_setup *setup);
void orders_close(struct orders *orders);
struct database *orders_database(const struct orders *orders);

/* What has not begun ends at once; what runs, as soon as its executor hears of it. */
MUST_CHECK enum order_answer order_cancel(struct orders *orders, const struct uuid *quote,
                                          struct err *err);

struct order_window {
    struct span text;
    uint32_t tokens;
};

struct order_view {
    enum order_state state;
    uint32_t windows, delivered, prompt_tokens, cached_tokens;
    uint64_t cost;
    bool is_full;                    /* it ended because it was as long as it may be */
    struct span why;                 /* of FAILED */
    struct span receipt;             /* empty: none */
    struct span tokens;              /* all of them, as they are hashed, where there is a receipt */
    uint32_t begun_ms, ms;           /* from when it was paid to its first window, and to its end */
    const struct order_window *more; /* from the window on that was asked for */
    uint32_t more_count;
};

/* ORDER_LOST: there is none. */
MUST_CHECK enum order_answer order_look(struct orders *orders, struct order_view *view,
                                        struct arena *arena, const struct uuid *quote,
                                        uint32_t from, struct err *err);

/* The job that a coin pays for, or has paid for: by its Y (NUT-00), which nobody has but who has
 * the coin. ORDER_LOST: none. */
MUST_CHECK enum order_answer order_find(struct orders *orders, struct uuid *quote,
                                        const struct bytes33 *y, struct err *err);

/* Takes jobs from those who lost their leases, and ends what is too late. changed: how many. */
MUST_CHECK bool order_sweep(struct orders *orders, uint32_t *changed, struct err *err);

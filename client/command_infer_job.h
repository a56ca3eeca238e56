/* command_infer_job.h - one job at a node: what it costs, paid, asked, heard as it comes, and
 * settled. Part of command.
 *
 *   units      amounts in the token's unit; milliseconds
 *   ownership  infer_job_clear; all else is borrowed
 *   threads    one
 *   errors     ERR_INTERNAL: there is no whole answer; ERR_INVALID: it is not paid
 */
#pragma once

#include <uv.h>

#include "client/command_wallet.h"
#include "client/teller.h"
#include "shared/event.h"
#include "shared/offer.h"
#include "shared/receipt.h"
#include "shared/text.h"

struct infer_far;
struct standing;

/* A job goes QUOTE -> PRICED -> ANSWER -> OVER; where it stops, it is OVER from anywhere. */
enum infer_stage {
    INFER_QUOTE,  /* the node was asked what it costs */
    INFER_PRICED, /* it has said so: infer_job_pay */
    INFER_ANSWER, /* it was paid */
    INFER_OVER,   /* infer_job_end */
};

struct infer_job {
    uv_loop_t *loop;
    struct trade trade;        /* with its mint reached */
    const struct offer *offer; /* whose units are taken */
    struct bytes32 node;       /* who signs its receipt */
    struct span body;
    uint64_t most; /* that is paid, whatever the node wants */
    /* Words of the answer, as they come; may be NULL. It may set is_lost: nobody reads them. */
    void (*heard)(void *owner, struct span text);
    void *owner;

    enum infer_stage stage;
    uint64_t question;                   /* of the teller */
    uint64_t amount;                     /* that the job may cost, as the node says */
    char unit[OFFER_WORD_BYTES_MAX + 1]; /* of the token */
    struct text token, rest, said, change, receipt, why; /* rest: of a line */
    struct text tokens; /* of the answer, as JSON; empty: the node did not say */
    struct span finish; /* "length": it was cut off */
    uint32_t prompt_tokens, output_tokens;
    uint64_t began_ms, first_ms, ended_ms;
    uint64_t spent; /* of the balance, less what came back */
    uint32_t status;
    bool has_begun; /* it was paid for */
    bool is_whole, is_interrupted, is_settled, is_lost;
    struct infer_far *far; /* NULL: it is asked by HTTP */
};

/* Asks what it costs. */
void infer_job_begin(struct infer_job *job);

/* Pays what was asked for, and asks. False: it is OVER, and nothing was paid. */
MUST_CHECK bool infer_job_pay(struct infer_job *job, struct err *err);

/* Hangs up. */
void infer_job_stop(struct infer_job *job);

/* Settles. False: err says why there is no whole answer, and the money is settled, or is_settled
 * is false. */
MUST_CHECK bool infer_job_end(struct infer_job *job, struct err *err);
void infer_job_clear(struct infer_job *job);

void infer_job_show(struct infer_job *job, struct span text);

/* What a node tells of a job: what of its text was not shown is, and its end is the job's. False:
 * that is not what was said before. */
MUST_CHECK bool infer_job_take(struct infer_job *job, const struct standing *standing);

/* What an answer that broke off has become since: the node may be at it still, or be back. */
void infer_job_rest(struct infer_job *job);

void infer_wait(uv_loop_t *loop); /* a little */

/* Of the unit that the job is paid in. */
MUST_CHECK bool infer_money_balance(const struct infer_job *job, uint64_t *units, struct err *err);

/* Of the token: sent, and what is left of it taken back. */
MUST_CHECK bool infer_money_send(struct infer_job *job, struct err *err);
MUST_CHECK bool infer_money_settle(struct infer_job *job, struct err *err);

/* Ctrl-C, as long as it is watched for: a second one ends the program. */
struct infer_watch {
    uv_signal_t handle;
    bool is_told;
};
void infer_watch_begin(struct infer_watch *watch, uv_loop_t *loop);
void infer_watch_end(struct infer_watch *watch);

/* What a stranger's machine says, without what a terminal would obey. */
void infer_write_plain(struct text *out, struct span text);

/* Closes a handle of the loop, and waits for it. */
void infer_close(uv_handle_t *handle);

/* Of which unit there is enough at the mint: what was given away before what was paid for. Empty:
 * of none; most: what there is of one. */
MUST_CHECK bool infer_job_unit(struct infer_job *job, uint64_t amount, uint64_t *most,
                               struct err *err);

/* The receipt, if it is what the node signed. */
MUST_CHECK bool infer_job_receipt(const struct infer_job *job, struct event *event,
                                  struct receipt *receipt, struct arena *arena, struct err *err);

/* command_infer.h - one job at a node: whom to ask; paid, asked, shown as it comes, and settled.
 * Part of command.
 *
 *   units      amounts in the token's unit; milliseconds
 *   ownership  infer_job_clear; all else is borrowed
 *   threads    one
 *   errors     said where they happen
 */
#pragma once

#include <uv.h>

#include "client/command_survey.h"
#include "client/command_wallet.h"
#include "client/market_choice.h"
#include "client/teller.h"
#include "shared/event.h"
#include "shared/receipt.h"
#include "shared/text.h"

struct infer_job {
    struct pocket *pocket; /* with its mint reached */
    struct bytes32 node;   /* who signs its receipt */
    struct span body, unit;
    uint64_t amount; /* that the job may cost */

    struct text token, rest, said, change, receipt, why; /* rest: of a line */
    struct span finish;                                  /* "length": it was cut off */
    uint32_t prompt_tokens, output_tokens;
    uint64_t began_ms, first_ms, ended_ms;
    uint64_t spent; /* of the balance, less what came back */
    uint32_t status;
    bool is_over, is_whole, is_interrupted, is_settled;
    bool is_lost; /* nobody reads what is written */
};

/* Asks, and writes what comes. False: err says why there is no whole answer, and the money is
 * settled, or is_settled is false. */
MUST_CHECK bool infer_job_run(struct infer_job *job, struct err *err);
void infer_job_clear(struct infer_job *job);

/* The receipt, if it is what the node signed. */
MUST_CHECK bool infer_job_receipt(const struct infer_job *job, struct event *event,
                                  struct receipt *receipt, struct arena *arena, struct err *err);

enum { INFER_FRAME_TOKENS = 64 }; /* that a template puts around a prompt */

struct infer {
    struct command_call *call;
    struct survey survey;
    struct pocket pocket;
    bool has_pocket;
    struct arena arena;
    struct span prompt;
    uint32_t tokens_max;
    struct market_wish wish;
    struct market_candidate *candidates;
    size_t count;
    const struct market_candidate *chosen;
    struct infer_job job;
};

/* Leaves only the candidates of the node that --node names. */
MUST_CHECK bool infer_keep_named(struct infer *infer, struct err *err);

/* Each of them, and why it is where it is, on standard error. */
void infer_explain(const struct infer *infer);

/* The first that fits and may be paid: chosen, its mint, and the job's amount and unit. */
MUST_CHECK bool infer_choose(struct infer *infer, struct err *err);

/* How jobs went before, put where the choice is made. */
MUST_CHECK bool infer_recall(struct infer *infer, struct err *err);

/* How this one went: kept, and where it was good told to the relays. */
void infer_remember(struct infer *infer, bool is_whole);

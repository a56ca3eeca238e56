/* command_infer.h - a prompt, and whom to ask. Part of command.
 *
 *   ownership  run_infer's
 *   threads    one
 *   errors     said where they happen
 */
#pragma once

#include "client/command_infer_job.h"
#include "client/command_survey.h"
#include "client/market_choice.h"

enum { INFER_FRAME_TOKENS = 64 }; /* that a template puts around a prompt */

struct infer {
    struct command_call *call;
    struct survey survey;
    struct pocket pocket;
    bool has_pocket;
    struct arena arena;
    const struct span *prompts; /* one for each part of the text */
    size_t prompt_count;
    struct span prompt; /* the longest of them */
    uint32_t tokens_max;
    uint64_t seed;
    struct span claimed; /* tokens to be checked, as JSON; empty: an answer is wanted */
    struct market_wish wish;
    struct market_candidate *candidates;
    size_t count;
    const struct market_candidate *chosen;
    uint64_t about; /* what it may cost, by the offer, for a prompt as prompts are */
    struct infer_job job;
    struct event *words; /* on nodes, that no relay was told yet; one for each key */
    uint32_t word_count;
};

/* What is to be asked: of the words, of standard input or --file, as --split says. */
MUST_CHECK bool infer_read_prompts(struct infer *infer, struct err *err);

void infer_write_body(const struct infer *infer, struct text *body, struct span model,
                      struct span prompt);

/* Several prompts, each a job, over all nodes that fit. With the pocket open. */
enum command_status infer_batch(struct infer *infer);

/* Hears what relays know, opens the purse, and recalls how jobs went. Says what is wrong. */
enum command_status infer_gather(struct infer *infer);

/* The candidates for the wish, the best first. */
MUST_CHECK bool infer_compete(struct infer *infer, struct err *err);

/* Has the chosen node do the job. False: err says why there is no whole answer. */
MUST_CHECK bool infer_buy(struct infer *infer, struct err *err);
void infer_end(struct infer *infer);

/* Leaves only the candidates of the node that --node names. */
MUST_CHECK bool infer_keep_named(struct infer *infer, struct err *err);

/* Each of them, and why it is where it is, on standard error. */
void infer_explain(const struct infer *infer);

/* Whether a candidate that fits may be paid: makes infer's job ready for it, less its teller. */
MUST_CHECK bool infer_afford(struct infer *infer, const struct market_candidate *candidate,
                             struct err *err);

/* The first that fits and may be paid. */
MUST_CHECK bool infer_choose(struct infer *infer, struct err *err);

/* Says whom it would ask, and for how much. */
enum command_status infer_try(const struct infer *infer);

/* How jobs went before, put where the choice is made. */
MUST_CHECK bool infer_recall(struct infer *infer, struct err *err);

/* How one went: kept; and then all that were good, told to the relays. */
void infer_remember(struct infer *infer, const struct infer_job *job, bool is_whole);
void infer_tell(struct infer *infer);

/* To be told with them, instead of what its key has said before. */
void infer_tell_later(struct infer *infer, const struct event *word);

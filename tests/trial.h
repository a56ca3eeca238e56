/* trial.h - a shard of a forged model, and a text that is run through it.
 *
 *   ownership  exec_close closes the shard
 *   threads    one
 */
#pragma once

#include "gpu/exec.h"

enum { TRIAL_TOKENS = 70, TRIAL_WIDTH = 64, TRIAL_VOCABULARY = 288 };

/* What a text of a whole model gives. */
struct trial {
    float hidden[TRIAL_TOKENS][TRIAL_WIDTH], logits[TRIAL_TOKENS][TRIAL_VOCABULARY];
};

void trial_tokens(uint32_t *tokens, uint32_t count);

/* With 128 positions, for four sessions. */
struct exec *trial_open(const struct model *model, uint32_t begin, uint32_t end,
                        enum dtype kv_type);

/* One span of a session. */
enum exec_verdict trial_step(struct exec *exec, struct exec_span span);

void trial_session(struct exec *exec, uint64_t id, uint32_t positions);

/* Runs a text through the whole model in spans of at most piece rows. */
void trial_run(struct exec *exec, struct trial *trial, const uint32_t *tokens, uint32_t count,
               uint32_t piece);

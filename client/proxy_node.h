/* proxy_node.h - an answer bought of a node of the swarm, on a thread of its own, as the wallet's
 * steps wait for mints. Part of proxy.
 *
 * Jobs use the wallet in turn. What a job may cost is kept in the wallet until its answer is over,
 * whatever becomes of this program; a sweep takes what an earlier run left.
 *
 *   units      amounts in the node's unit; tokens
 *   ownership  a job lives until it has ended, whether stopped or not; setup's candidate and body
 *              are copied, the rest outlives it
 *   threads    loop thread only; both functions are called there
 *   errors     in its end
 */
#pragma once

#include "client/market_choice.h"

struct arena;
struct command_call;
struct holder;
struct node_job;
struct uv_loop_s;

/* A copy in the arena: what the market gives is valid until it hears of another offer. */
struct market_candidate node_candidate(const struct market_candidate *candidate,
                                       struct arena *arena);

struct node_end {
    const char *why; /* NULL: the answer is whole */
    uint32_t status; /* as HTTP's */
    uint64_t spent;
    uint32_t prompt_tokens, output_tokens;
    bool is_cut; /* at its most tokens */
};

struct node_setup {
    struct command_call *call;
    struct uv_loop_s *loop;
    const struct holder *holder; /* asked one at a time */
    const struct market_candidate *candidate;
    struct span body;
    size_t prompt_bytes;
    uint32_t tokens_max;
    uint64_t most;
    void (*heard)(void *owner, struct span words);
    void (*ended)(void *owner, const struct node_end *end); /* once, in any case */
    void *owner;
};
struct node_job *node_begin(const struct node_setup *setup);

/* The answer is not wanted any more; what was said until then is paid. */
void node_stop(struct node_job *job);

/* What is left of jobs that were cut off, at each mint. */
void node_sweep(struct command_call *call, struct uv_loop_s *loop, const struct holder *holder);

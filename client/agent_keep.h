/* agent_keep.h - what an agent keeps, and what it answers. Part of agent.
 *
 * It gives out signatures, what it sealed and what it opened; never the key. What it is asked may
 * be any bytes.
 *
 *   ownership  agent_keep_new to agent_keep_free, with the keys
 *   threads    one
 */
#pragma once

#include "client/agent_wire.h"

struct agent_keep;
struct keys;

struct agent_keep_setup {
    const char *file;    /* of the sealed key, which it is unlocked from; absolute */
    struct bytes32 mark; /* of what is in there now: SHA-256 */
    struct keys *keys;   /* NULL: begins locked */
    uint32_t timeout_s;  /* 0: never */
};

struct agent_keep *agent_keep_new(const struct agent_keep_setup *setup);
void agent_keep_free(struct agent_keep *keep);

/* Appends the answer to the body of a frame. False: that was AGENT_STOP. */
bool agent_keep_answer(struct agent_keep *keep, struct text *out, struct span body,
                       uint64_t now_ms);

/* Locks it when it is time; now_ms only grows. */
void agent_keep_look(struct agent_keep *keep, uint64_t now_ms);

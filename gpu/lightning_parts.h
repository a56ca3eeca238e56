/* lightning_parts.h - what lightning's files share. Part of lightning.
 *
 *   threads  loop thread only, but for what the mutex guards
 */
#pragma once

#include "gpu/lightning.h"
#include "shared/text.h"

struct holder;
struct post;
struct waiting;

/* A thread that waits. */
struct caller {
    struct caller *next;
    struct span request;
    struct text answer; /* as it was opened; empty: none came */
    bool is_over;
};

struct lightning {
    struct lightning_setup setup;
    struct holder *holder;
    struct post *post;
    struct bytes32 wallet;
    uv_timer_t timer;
    uv_async_t async;
    struct waiting *waiting;
    struct span opened; /* the answer that is being told, for callers */
    bool is_sealed;     /* the service has said that it seals as we do */
    uv_mutex_t mutex;   /* of what follows */
    uv_cond_t changed;
    struct caller *callers; /* not asked yet */
    uint32_t calls;
    bool is_there, is_closed;
};

/* Of threads: what they ask is asked, and, in the end, answered with nothing. */
void lightning_on_async(uv_async_t *async);
void lightning_end_calls(struct lightning *lightning);

/* proxy_errand.h - one chat on its way: who can answer it, who is asked, and what came. Part of
 * proxy.
 *
 *   ownership  an errand ends with errand_answered, or where nobody is left to be asked
 *   units, threads, errors  proxy.h's
 */
#pragma once

#include "client/chunk.h"
#include "client/line.h"
#include "client/proxy_node.h"
#include "client/proxy_parts.h"

enum { ERRAND_OUTLETS_MAX = 256, ERRAND_WHY_BYTES_MAX = 300 };

/* Why nobody answers; the gravest of all reasons is told. */
enum errand_reason {
    ERRAND_NOBODY,  /* has the model */
    ERRAND_RESTING, /* who has it failed lately */
    ERRAND_RATE,
    ERRAND_BUDGET,
    ERRAND_WORDS, /* it cannot be said to whoever has it */
    ERRAND_FAILED
};

/* One chat, and who answers it. */
struct errand {
    struct errand *next;
    struct proxy *proxy;
    uint64_t number; /* of the request */
    struct arena arena;
    struct plea plea;
    struct outlet *outlets;
    size_t count, at; /* at: who is asked */
    int64_t expense;
    uint64_t question; /* of the provider's teller */
    struct node_job *job;
    struct line line;
    struct text said; /* of who is asked now, where it is not passed on as it comes */
    struct chunk chunk;
    struct text refused; /* why, of a provider */
    struct span finish;
    uint32_t pieces;
    bool is_asked;
    bool is_begun; /* something was passed on */
    bool is_ended; /* the answer has said so */
    bool is_gone;  /* whoever asked has left */
    struct {
        enum errand_reason reason;
        uint32_t status;
        uint64_t wait_ms;
        char why[ERRAND_WHY_BYTES_MAX];
    } refusal;
};

/* ---- of proxy_choice.c ---- */

/* Where the chat can be answered, in the order in which they are asked. */
void errand_choose(struct errand *errand);

/* Whether it may be asked now, and may cost what it may cost at most. */
bool errand_may_ask(struct errand *errand, struct outlet *outlet);

/* A reason not to: the gravest is told in the end. */
void errand_note(struct errand *errand, enum errand_reason reason, uint32_t status,
                 const char *why);

/* ---- of proxy_errand.c ---- */

/* A chat has come. */
void errand_begin(struct proxy *proxy, const struct httpd_request *request);

/* Whoever asked has left. */
void errand_cancel(struct errand *errand);

/* Words of the answer; or JSON of it as it came. Where nobody reads them is_gone is set. */
void errand_say(struct errand *errand, struct span words);
void errand_pass(struct errand *errand, struct span json);

/* Who was asked has answered; why: NULL, or what went wrong, with its status as HTTP's. body: a
 * whole answer as it came; len 0: what was said. */
struct errand_end {
    const char *why;
    uint32_t status;
    uint64_t cost; /* UINT64_MAX: reckon it by its tokens */
    struct span body;
};
void errand_answered(struct errand *errand, const struct errand_end *end);

/* ---- of proxy_provider.c ---- */

/* False: it cannot be asked this. */
MUST_CHECK bool errand_ask_provider(struct errand *errand, struct err *err);
void errand_drop_provider(struct errand *errand);

static inline struct outlet *errand_outlet(const struct errand *errand)
{
    return &errand->outlets[errand->at];
}

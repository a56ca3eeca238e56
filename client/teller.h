/* teller.h - one mint, or the node behind it, asked over whichever way its address names: HTTP(S),
 * or the relays of a nostr:nprofile, where each question travels in an ephemeral gift wrap under a
 * key that is thrown away.
 *
 * What is asked has the shape of HTTP in either case: a method, a path, a JSON body; the answer a
 * status and a body. Whoever asks does not know which way it went.
 *
 *   units      timeout_ms: milliseconds without an answer
 *   ownership  the teller ends with teller_free, and with it all that was asked, unanswered. Memory
 *              goes when the last handle has closed, so the loop runs on. A question's texts are
 *              copied; an answer is valid until its function returns
 *   threads    loop thread only
 *   errors     status 0: no answer came, and why
 *   bounds     an answer is at most TELLER_ANSWER_BYTES_MAX, and is cut off past it; at most
 *              TELLER_QUESTIONS_MAX are open
 *   spec       Cashu NUT-00 for the verbs; NIP-59 (kind 21059), NIP-19; Shoal's market, "Verbs"
 */
#pragma once

#include "shared/base.h"

struct err;
struct event;
struct link_host;
struct teller;
struct text;
struct uv_loop_s;

enum {
    TELLER_TIMEOUT_MS = 30000,
    TELLER_ANSWER_BYTES_MAX = 1 << 22,
    TELLER_QUESTIONS_MAX = 64,
    TELLER_URL_MAX = 2048,
};

struct teller_setup {
    struct uv_loop_s *loop;
    struct span url;        /* http://, https://, or nostr:nprofile1... with relays in it */
    struct link_host *host; /* for relays; NULL: only HTTP */
    struct span proxy;      /* SOCKS5, HOST:PORT, for HTTP (the host has its own); len 0: none */
    const char *ca_file;    /* PEM, trusted beside the system's authorities; NULL: none */
    uint32_t timeout_ms;    /* 0: TELLER_TIMEOUT_MS */
    /* Over relays: what the node sends besides answers, such as pieces of an output (kind 28431).
     * The rumor is the node's own; it lives until this returns. May be NULL. */
    void (*heard)(void *owner, const struct event *rumor);
    void *owner;
};

/* NULL: no such address. */
struct teller *teller_new(const struct teller_setup *setup, struct err *err);
void teller_free(struct teller *teller); /* may be NULL */

/* Whether the address is one that a teller takes. */
bool teller_takes(struct span url);

struct teller_answer {
    uint32_t status; /* as HTTP's; 0: none */
    struct span body;
    struct span payment; /* HTTP: the X-Cashu header of the answer; empty: none */
    const char *why;     /* of status 0 */
};

struct teller_question {
    struct span method, path, body; /* "GET", "/v1/keysets", "" */
    struct span payment;            /* HTTP: the X-Cashu header; empty: none */
    struct span headers;            /* HTTP: more of them, with "\n" between; not copied */
    /* HTTP: the body as it comes, so that it is not in the answer, of a status 2xx. May be NULL. */
    void (*part)(void *owner, struct span bytes);
    /* Over relays: what the node sends meanwhile besides answers, as teller_setup.heard. */
    void (*heard)(void *owner, const struct event *rumor);
    void (*answered)(void *owner, const struct teller_answer *answer); /* once */
    void *owner;
};

/* Answered later, never from within. A number for teller_drop. */
uint64_t teller_ask(struct teller *teller, const struct teller_question *question);

/* Forgets a question: it is not answered. Nothing happens where it was. */
void teller_drop(struct teller *teller, uint64_t number);

/* Asks and runs the loop until the answer is there, for whoever does nothing else meanwhile; of the
 * question only the texts count. Appends the body. False only without an answer. */
MUST_CHECK bool teller_call(struct teller *teller, struct text *body, uint32_t *status,
                            const struct teller_question *question, struct err *err);

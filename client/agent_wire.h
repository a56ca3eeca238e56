/* agent_wire.h - what commands and the agent say to each other. Part of agent.
 *
 * A frame is the length of its body, 4 bytes with the highest first, and the body. A request's body
 * is a version, what is asked and what that takes; an answer's a verdict, and what was asked for or
 * why not.
 *
 *   units      bytes
 *   ownership  what was parsed points into the bytes given
 *   errors     ERR_INVALID: no such frame, request or answer; ERR_UNSUPPORTED: another version
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum { AGENT_VERSION = 1, AGENT_BODY_MAX = 4 << 20, AGENT_FILE_MAX = 4095 };

enum agent_ask {
    AGENT_HELLO = 1, /* who it is and how it is doing */
    AGENT_SIGN,
    AGENT_SEAL,
    AGENT_OPEN,
    AGENT_LOCK, /* forget the key */
    AGENT_UNLOCK,
    AGENT_STOP,
};

struct agent_request {
    enum agent_ask ask;
    struct bytes32 peer; /* of SEAL and OPEN */
    struct span bytes;   /* SIGN: an event less its signature, as JSON; SEAL: the plain text; OPEN:
                            what is sealed; UNLOCK: the password */
};

struct agent_hello {
    bool is_locked;
    bool has_pubkey;       /* one that was never unlocked does not know */
    struct bytes32 pubkey; /* zeroes without */
    struct bytes32 mark;   /* SHA-256 of the sealed key that it keeps */
    uint32_t pid;
    uint32_t timeout_s; /* locked when nothing was asked for so long; 0: never */
    uint32_t used;      /* how often the key was */
    struct span file;   /* of the sealed key */
};

enum agent_frame { AGENT_FRAME_MORE, AGENT_FRAME_DONE, AGENT_FRAME_WRONG };

/* Takes the first frame from the front of bytes once it is there. */
enum agent_frame agent_take(struct span *body, struct span *bytes);

/* These append whole frames. */
void agent_write_request(struct text *out, const struct agent_request *request);
void agent_write_done(struct text *out, struct span bytes);
void agent_write_refusal(struct text *out, const struct err *why);

MUST_CHECK bool agent_parse_request(struct agent_request *request, struct span body,
                                    struct err *err);

/* What was asked for; err is the agent's own where that refuses. */
MUST_CHECK bool agent_parse_answer(struct span *bytes, struct span body, struct err *err);

/* What is inside the answer to AGENT_HELLO. */
void agent_write_hello(struct text *out, const struct agent_hello *hello);
MUST_CHECK bool agent_parse_hello(struct agent_hello *hello, struct span bytes, struct err *err);

/* squeeze.h - permessage-deflate: messages squeezed and restored, each on its own.
 *
 * Both ends are told to keep no context between messages, so that a connection costs no zlib
 * state at all (with context it would hold some 300 kB) and one struct squeeze serves them all.
 *
 *   threads  one at a time
 *   spec     RFC 7692
 */
#pragma once

#include "shared/base.h"

struct squeeze;
struct text;

/* What the handshake adds to the name of the extension when squeeze_accepts. */
#define SQUEEZE_TERMS "; server_no_context_takeover; client_no_context_takeover"

enum squeeze_result {
    SQUEEZE_DONE,
    SQUEEZE_TOO_LONG, /* max bytes were restored, and there is more */
    SQUEEZE_BROKEN,   /* not DEFLATE data */
};

struct squeeze *squeeze_new(void);
void squeeze_free(struct squeeze *squeeze);

/* Whether a Sec-WebSocket-Extensions header is one offer that SQUEEZE_TERMS fulfil. */
bool squeeze_accepts(struct span offer);

/* Appends message as the payload of a frame with RSV1. */
void squeeze_add(struct squeeze *squeeze, struct text *out, struct span message);

/* What payload was made of, at most max bytes. out is cleared of what was in it. */
enum squeeze_result squeeze_restore(struct squeeze *squeeze, struct text *out, struct span payload,
                                    size_t max);

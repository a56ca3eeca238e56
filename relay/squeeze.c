#define ZLIB_CONST /* zlib only reads its input */
#include "relay/squeeze.h"

#include <stdlib.h>
#include <zlib.h>

#include "relay/head.h"
#include "shared/text.h"

/* Most events are some hundred bytes: a larger window costs more to reset than it saves. */
enum { WINDOW_BITS = 13, MEMORY_LEVEL = 6, STEP_BYTES = 16384 };

/* RFC 7692: an empty stored block ends each message, and is not sent. */
static const unsigned char TAIL[4] = {0, 0, 0xff, 0xff};

struct squeeze {
    z_stream out, in;
};

struct squeeze *squeeze_new(void)
{
    struct squeeze *squeeze = calloc(1, sizeof *squeeze);
    if (squeeze == NULL)
        abort();
    if (deflateInit2(&squeeze->out, Z_BEST_SPEED, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK ||
        inflateInit2(&squeeze->in, -MAX_WBITS) != Z_OK)
        abort();
    return squeeze;
}

void squeeze_free(struct squeeze *squeeze)
{
    if (squeeze == NULL)
        return;
    deflateEnd(&squeeze->out);
    inflateEnd(&squeeze->in);
    free(squeeze);
}

bool squeeze_accepts(struct span offer)
{
    if (offer.len == 0 || memchr(offer.at, ',', offer.len) != NULL)
        return false;
    if (!head_is(head_cut(&offer, ';'), "permessage-deflate"))
        return false;
    while (offer.len > 0) {
        struct span parameter = head_cut(&offer, ';');
        struct span name = head_cut(&parameter, '=');
        /* server_max_window_bits would need an answer of its own; hardly anybody offers it. */
        if (!head_is(name, "client_max_window_bits") &&
            !head_is(name, "client_no_context_takeover") &&
            !head_is(name, "server_no_context_takeover"))
            return false;
    }
    return true;
}

void squeeze_add(struct squeeze *squeeze, struct text *out, struct span message)
{
    z_stream *z = &squeeze->out;
    if (deflateReset(z) != Z_OK)
        abort();
    z->next_in = (const Bytef *)message.at;
    z->avail_in = (uInt)message.len;
    do {
        z->next_out = (Bytef *)text_reserve(out, STEP_BYTES);
        z->avail_out = STEP_BYTES;
        if (deflate(z, Z_SYNC_FLUSH) == Z_STREAM_ERROR)
            abort();
        out->len += STEP_BYTES - z->avail_out;
    } while (z->avail_out == 0);
    out->len -= sizeof TAIL;
}

/* Restores what is in z until its input is used up or out is longer than max. */
static enum squeeze_result restore(z_stream *z, struct text *out, size_t max)
{
    do {
        size_t room = max + 1 - out->len;
        uInt step = room < STEP_BYTES ? (uInt)room : STEP_BYTES;
        z->next_out = (Bytef *)text_reserve(out, step);
        z->avail_out = step;
        int result = inflate(z, Z_SYNC_FLUSH);
        out->len += step - z->avail_out;
        if (out->len > max) {
            out->len = max;
            return SQUEEZE_TOO_LONG;
        }
        if (result == Z_STREAM_END) /* RFC 7692 7.2.3.5: a final block may end it, too */
            result = inflateReset(z);
        if (result != Z_OK && result != Z_BUF_ERROR)
            return SQUEEZE_BROKEN;
    } while (z->avail_in > 0 || z->avail_out == 0);
    return SQUEEZE_DONE;
}

enum squeeze_result squeeze_restore(struct squeeze *squeeze, struct text *out, struct span payload,
                                    size_t max)
{
    z_stream *z = &squeeze->in;
    out->len = 0;
    if (inflateReset(z) != Z_OK)
        abort();
    z->next_in = (const Bytef *)payload.at;
    z->avail_in = (uInt)payload.len;
    enum squeeze_result result = restore(z, out, max);
    if (result != SQUEEZE_DONE)
        return result;
    z->next_in = TAIL;
    z->avail_in = sizeof TAIL;
    return restore(z, out, max);
}

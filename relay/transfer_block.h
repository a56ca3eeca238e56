/* transfer_block.h - some lines on their way into the store: read, parsed and verified on a pool
 * thread, then put. Part of transfer.
 *
 *   ownership  a block owns its lines, and with them what its events' spans point into
 *   threads    one at a time
 */
#pragma once

#include "relay/transfer_lines.h"
#include "shared/arena.h"
#include "shared/base.h"
#include "shared/err.h"
#include "shared/event.h"

enum { TRANSFER_BLOCK_LINES_MAX = 256, TRANSFER_BLOCK_BYTES_MAX = 1 << 20 };

enum transfer_fate {
    TRANSFER_GOOD,
    TRANSFER_REFUSED,   /* err says why */
    TRANSFER_EPHEMERAL, /* is not stored */
    TRANSFER_EXPIRED,   /* would never be served */
};

struct transfer_item {
    int64_t number; /* of its line */
    struct span line;
    enum transfer_fate fate;
    struct err err;
    struct event event;
};

struct transfer_block {
    struct arena arena;
    uint32_t count;
    int64_t bytes; /* read in all, up to this block's end */
    struct transfer_item items[TRANSFER_BLOCK_LINES_MAX];
};

/* Empties the block and fills it; a block without items means that there is no more. Waits for
 * input only while it has none. */
void transfer_block_read(struct transfer_block *block, struct transfer_lines *lines,
                         int64_t skip_lines, size_t line_bytes_max);

/* now: unix seconds. */
void transfer_block_judge(struct transfer_block *block, bool skip_verify, int64_t now);

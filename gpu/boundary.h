/* boundary.h - what a stage has sent, or is to send, of one session to the stage behind it.
 *
 * All rows that ever crossed are kept, as they went, until the session ends: when the other side
 * is lost, a replica gets the very same bytes. A side is opened in an epoch, higher than any
 * before; it says how much it has, from where rows flow, as far as it gives credit, in pieces that
 * are small enough to let others between.
 *
 *   units      rows: positions of the session
 *   ownership  boundary_clear frees the rows; a piece borrows them until the next call
 *   threads    one at a time
 */
#pragma once

#include "gpu/wire.h"
#include "shared/text.h"

enum { BOUNDARY_PIECE_ROWS = 64, BOUNDARY_PIECE_BYTES = 256 << 10 };

enum boundary_state { BOUNDARY_SHUT, BOUNDARY_OPENING, BOUNDARY_FLOWING };

struct boundary {
    enum activation activation;
    uint32_t width;
    struct text rows;
    uint32_t count;
    uint32_t wanted; /* what follows the last of so many rows is wanted; 0: nothing */
    enum boundary_state state;
    uint32_t link;  /* to the side that it is open to, or is being opened; 0: to none */
    uint32_t epoch; /* of the last opening */
    uint32_t sent, limit;
    uint32_t crossed; /* rows that went to the side that it is open to */
};

void boundary_clear(struct boundary *boundary);

void boundary_add(struct boundary *boundary, const float *rows, uint32_t count, bool is_wanted);

/* To that link, in an epoch past its own and not before the least: an OPEN is to be sent. */
void boundary_open(struct boundary *boundary, uint32_t link, uint32_t epoch_min);
void boundary_shut(struct boundary *boundary);

/* The other side has that many rows and takes so many more. False: it has what was never sent. */
MUST_CHECK bool boundary_ack(struct boundary *boundary, uint32_t have, uint32_t credits);

/* Rows that may go now. */
uint32_t boundary_ready(const struct boundary *boundary);

/* The next piece, which then counts as sent: all of a HIDDEN but its session. There is one when
 * rows are ready. */
struct wire boundary_next(struct boundary *boundary);

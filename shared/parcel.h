/* parcel.h - what a buyer and a node say to each other inside wraps: questions and answers of the
 * shape of HTTP's, in as many pieces as fit relays, and the pieces of an output.
 *
 * A rumor of kind 28432 has as its content {"id":..,"method":..,"path":..,"body":..}, or
 * {"id":..,"status":..,"body":..} with the id of the question. One that is longer than
 * PARCEL_PIECE_BYTES_MAX travels in several rumors, whose contents in their order make it; each has
 * a tag ["part", index, count, sha256 of the whole]. A rumor of kind 28431 is a piece of an output:
 * ["e", job], ["seq", n], and on the last ["last", how many].
 *
 *   units      bytes; index, seq from 0
 *   ownership  what is read points into the event or the arena; parcel_shelf_new to
 *              parcel_shelf_free
 *   threads    one at a time
 *   errors     ERR_INVALID: no such thing; ERR_RATE_LIMITED: past what is kept
 *   spec       kinds 28431, 28432 of Shoal's market
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct parcel_shelf;
struct text;

enum {
    PARCEL_PIECE_BYTES_MAX = 12288, /* the wrap of one has less than 64 KiB, whatever is in it */
    PARCEL_BYTES_MAX = 4 << 20,
    PARCEL_PIECES_MAX = PARCEL_BYTES_MAX / (PARCEL_PIECE_BYTES_MAX - 4) + 1,
    PARCEL_ID_BYTES_MAX = 64,
    PARCEL_PATH_BYTES_MAX = 512,
    PARCEL_SHELF_MAX = 64, /* parcels on their way; one of each author and digest */
    PARCEL_SHELF_SECONDS = 60,
};

struct parcel_question {
    struct span id, method, path;
    struct span body; /* JSON; empty: none */
};

struct parcel_answer {
    struct span id;
    uint32_t status;
    struct span body; /* JSON; empty: none */
};

void parcel_write_question(struct text *out, const struct parcel_question *question);
MUST_CHECK bool parcel_read_question(struct parcel_question *question, struct arena *arena,
                                     struct span content, struct err *err);

void parcel_write_answer(struct text *out, const struct parcel_answer *answer);
MUST_CHECK bool parcel_read_answer(struct parcel_answer *answer, struct arena *arena,
                                   struct span content, struct err *err);

/* ---- in rumors ---- */

/* The next piece of a content, in the arena, without pubkey, id and signature; *place begins at 0.
 * False after the last. */
struct parcel_place {
    size_t at;
    uint32_t index, count;
    struct bytes32 digest;
};
MUST_CHECK bool parcel_next(struct event *rumor, struct arena *arena, struct span content,
                            struct parcel_place *place, int64_t now);

/* Where pieces wait for each other. */
struct parcel_shelf *parcel_shelf_new(void);
void parcel_shelf_free(struct parcel_shelf *shelf); /* may be NULL */

/* Takes a rumor of kind 28432. True with the whole content, in the arena, when nothing of it is
 * missing any more; else content->at is NULL. False: it is refused. */
MUST_CHECK bool parcel_put(struct parcel_shelf *shelf, struct span *content, struct arena *arena,
                           const struct event *rumor, int64_t now, struct err *err);

/* ---- pieces of an output ---- */

struct parcel_chunk {
    struct span job; /* the id of its quote */
    uint32_t seq;
    bool is_last; /* the output has seq + 1 pieces */
    struct span text;
};

void parcel_chunk_event(struct event *rumor, struct arena *arena, const struct parcel_chunk *chunk,
                        int64_t now);
MUST_CHECK bool parcel_read_chunk(struct parcel_chunk *chunk, struct arena *arena,
                                  const struct event *rumor, struct err *err);

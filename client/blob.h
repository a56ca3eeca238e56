/* blob.h - what is too large for one event, in pieces.
 *
 * A piece is an event of kind 1584: some of the bytes in base64, and the tag "x" with the hash of
 * all of them, their number, and where the piece begins. It names the entity that they are of, so
 * that whoever asks for that gets it. All pieces but the last are equally long. Who put them
 * together again hashes the whole: what anybody else says does no harm.
 *
 *   ownership  all lives in the arena
 *   errors     ERR_INVALID: it is no piece of anything
 *   spec       Shoal's state, "Checkpoints"; tags "e", "h", "x"
 */
#pragma once

#include "shared/base.h"

struct arena;
struct draft;
struct err;
struct event;

enum {
    BLOB_PIECE_BYTES = 24 * 1024, /* sealed in another event it still fits what relays take */
    BLOB_BYTES_MAX = 16 * 1024 * 1024,
};

struct blob_piece {
    struct bytes32 hash; /* SHA-256 of all */
    uint64_t size;       /* of all: 1 to BLOB_BYTES_MAX */
    uint64_t place;      /* of the first byte; a multiple of BLOB_PIECE_BYTES */
    struct span bytes;
};

MUST_CHECK bool blob_parse(struct blob_piece *piece, struct arena *arena, const struct event *event,
                           struct err *err);

/* Writes kind, tags and content of the piece at place, which is in bytes. */
void blob_draft(struct draft *draft, const struct bytes32 *root, struct span bytes, size_t place);

/* Puts together what has come of some bytes, in any order, once and again. */
struct blob {
    struct bytes32 hash;
    char *at; /* size bytes */
    size_t size;
    bool *has; /* of each piece */
    size_t missing;
};

struct blob *blob_new(struct arena *arena, const struct bytes32 *hash, size_t size);

/* What is a piece of something else does nothing. */
void blob_put(struct blob *blob, const struct blob_piece *piece);

/* All of it is there, and is what the hash says. */
bool blob_is_whole(const struct blob *blob);

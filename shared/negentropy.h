/* negentropy.h - two sides learn what each has and the other lacks, without sending it all.
 *
 * Both hold a set of records in one order, by created_at and then id. A message divides that
 * order into ranges, and says of each: nothing more to do, a fingerprint of what I have there, or
 * the ids that I have there. Where fingerprints differ the answer divides further. The client
 * initiates, and answers the relay's answers until there is nothing left to say; the relay
 * responds and needs no memory between messages but the records, which must stay as they are.
 *
 *   units      created_at: unix seconds; frame_bytes_max: bytes of a message, before any hex
 *   ownership  records are borrowed and only read; messages are appended to the caller's text
 *   threads    any, one call a text
 *   errors     ERR_INVALID: what is wrong with the other side's message, and at which byte;
 *              ERR_UNSUPPORTED, initiator only: the responder speaks another version
 *   bounds     a message costs a few passes over the records, memory for the ids that it lists,
 *              and an answer of at most the frame, or 32 bytes a record and 50 for each of the
 *              message's where there is no limit. How many messages to exchange is the caller's
 *              to bound: a hostile responder can go on for ever
 *   spec       NIP-77; version 1 of the protocol
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum { NEGENTROPY_VERSION = 0x61, NEGENTROPY_FRAME_BYTES_MIN = 4096 };

struct negentropy_record {
    int64_t created_at; /* >= 0 */
    struct bytes32 id;
};

enum negentropy_verdict {
    NEGENTROPY_HAVE, /* the responder lacks it */
    NEGENTROPY_NEED, /* the responder says it has it, and we lack it */
};

/* Once for each id. Where either side limits its frames, a full one can bring a range back that was
 * settled before, so there an id may come again. */
typedef void negentropy_id_fn(void *owner, enum negentropy_verdict verdict,
                              const struct bytes32 *id);

struct negentropy {
    const struct negentropy_record *records; /* as negentropy_seal left them */
    size_t count;
    size_t frame_bytes_max;  /* 0: no limit, else at least NEGENTROPY_FRAME_BYTES_MIN */
    negentropy_id_fn *on_id; /* NULL: we are the responder */
    void *owner;             /* of on_id */
};

/* Sorts records in place and drops doubles; how many remain. Cheap when they are sorted already. */
size_t negentropy_seal(struct negentropy_record *records, size_t count);

/* Appends the first message. */
void negentropy_initiate(const struct negentropy *side, struct text *out);

/* Appends the answer to a message of the other side. An initiator for which nothing is appended
 * is done: all that differs has been told. A responder always answers; a version that it does not
 * speak with the version that it does. When false, out is as before; ids already told stay told. */
MUST_CHECK bool negentropy_reconcile(const struct negentropy *side, struct text *out,
                                     struct span message, struct err *err);

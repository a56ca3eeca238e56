/* receipt.h - what a job came to: the provider's receipt, and the buyer's word on many of them.
 *
 * A receipt does not say who paid. It has the hash of the answer's tokens, by number, so that what
 * was counted can be counted again; and the work of each stage of those that shared the job. A
 * counter-receipt is about all jobs of a session so far: the newest stands for those before it.
 *
 *   units      amounts in the unit that they name; tokens; milliseconds; millitokens a second
 *   ownership  what is read points into the event or the arena
 *   threads    pure
 *   errors     ERR_INVALID: which tag is missing, wrong or there twice
 *   spec       own kinds 8430 and 8431
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct event;
struct text;

enum { RECEIPT_STAGES_MAX = 64, RECEIPT_WORD_BYTES_MAX = 128 };

struct receipt_stage {
    struct bytes32 pubkey;
    uint32_t from, to; /* layers, the last one among them */
    uint64_t work;     /* layers times tokens */
    struct bytes32 commitment;
    bool has_commitment; /* the id of an event of kind 8432 */
};

struct receipt {
    struct bytes32 job, model, tokens, seed; /* tokens: their hash; seed: that of the sampling's */
    struct bytes32 offer;
    bool has_offer;
    struct span quote, profile, unit;
    uint32_t prompt_tokens, cached_tokens, output_tokens;
    uint64_t amount, fee, burn;
    const struct receipt_stage *stages;
    uint32_t stage_count;
    uint32_t first_ms, ms; /* until the first token; all of it */
};

struct receipt_counter {
    struct bytes32 session, provider;
    uint64_t amount; /* of all jobs of the session so far */
    struct span unit;
    uint32_t jobs, failed; /* failed: that came to no good, which jobs does not count */
    uint64_t prompt_tokens, output_tokens;
    uint32_t first_ms, rate; /* as the buyer has measured them, on average */
};

/* Of the answer's tokens, each as four bytes, the lowest first. */
struct bytes32 receipt_hash_tokens(const uint32_t *tokens, uint32_t count);

/* The tags of the event, as JSON; its content is empty. The spans need no escape that JSON lacks,
 * and are RECEIPT_WORD_BYTES_MAX at most. */
void receipt_write(struct text *tags, const struct receipt *receipt);
void receipt_write_counter(struct text *tags, const struct receipt_counter *counter);

/* Kind and tags are looked at, not the signature. */
MUST_CHECK bool receipt_read(struct receipt *receipt, struct arena *arena,
                             const struct event *event, struct err *err);
MUST_CHECK bool receipt_read_counter(struct receipt_counter *counter, const struct event *event,
                                     struct err *err);

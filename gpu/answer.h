/* answer.h - an answer that grows: which token follows, what of it is text, whether that ends it.
 *
 * It knows no executor: whoever has the logits behind its last token, from one node or from the
 * last of several, gives them here. It ends with a token that ends answers, before a stop string,
 * when it is as long as it may be, or when its reader wants no more.
 *
 *   units      tokens
 *   ownership  answer_clear frees all; what is asked is copied, the tokenizer is borrowed
 *   threads    one at a time
 *   errors     ERR_INVALID a prompt that is empty or leaves no room, a value out of range;
 *              ERR_INTERNAL logits that no choice can be made of
 */
#pragma once

#include "gpu/detokenizer.h"
#include "gpu/sampler.h"
#include "gpu/stopper.h"
#include "gpu/tokenizer.h"

enum { ANSWER_LIKELY_MAX = 20 };

struct answer_likely {
    uint32_t token;
    float log_probability; /* of the model's own choice: before biases, penalties, temperature */
};

/* What a token adds. */
struct answer_piece {
    struct span text; /* UTF-8; empty while it is held back; of the last piece, all that was held */
    bool has_token;   /* else it is what was held back at the end */
    struct answer_likely token;         /* log_probability only where it is asked for */
    const struct answer_likely *likely; /* the likeliest first, as many as are asked for */
    uint32_t likely_count;
};

/* False to end the answer. It must not block: other answers wait. */
typedef bool answer_tell_fn(void *owner, const struct answer_piece *piece);

struct answer_request {
    const uint32_t *prompt;
    uint32_t prompt_count;
    uint32_t tokens_max;            /* of the answer; what the context leaves, where that is less */
    uint32_t end_token;             /* ends it, beside those of the tokenizer; VOCABULARY_NONE */
    struct sampler_options sampler; /* its seed decides: the same request has the same answer */
    const struct span *stops;       /* to STOPPER_STRINGS_MAX, none empty */
    size_t stop_count;
    bool wants_probability;
    uint32_t likely; /* how many of the likeliest, to ANSWER_LIKELY_MAX; wants_probability too */
    answer_tell_fn *tell;
    void *owner;
};

enum answer_end {
    ANSWER_ENDED,   /* by a token that ends answers */
    ANSWER_STOPPED, /* before a stop string */
    ANSWER_FULL,    /* as long as it may be */
    ANSWER_LEFT,    /* its reader wants no more */
    ANSWER_CLOSED,  /* the node wants no more */
    ANSWER_FAILED
};

struct answer {
    struct answer_request request; /* of copies */
    const struct tokenizer *tokenizer;
    uint32_t vocabulary;
    struct tokens tokens; /* the prompt's and its own */
    uint32_t count;       /* its own; the token that ended it is not one of them */
    bool has_ended;
    enum answer_end end;
    struct sampler sampler;
    struct detokenizer detokenizer;
    struct stopper stopper;
    struct text text, piece;
    struct arena arena;
};

/* context: positions that prompt and answer have together. Nothing to clear when false. */
MUST_CHECK bool answer_begin(struct answer *answer, const struct answer_request *request,
                             const struct tokenizer *tokenizer, uint32_t vocabulary,
                             uint32_t context, struct err *err);
void answer_clear(struct answer *answer);

/* Positions that it can have at most. */
uint32_t answer_positions(const struct answer *answer);

/* The token that follows, from the logits behind the last: it is added, and told. */
MUST_CHECK bool answer_grow(struct answer *answer, const float *logits, struct err *err);

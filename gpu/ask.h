/* ask.h - what an application asks of a model, whichever API it came by.
 *
 * A chat is a list of messages; anything else is one or more inputs, each of which is gone on with
 * or has its embedding made. A field that would change the answer and is not known how to be
 * honoured is refused, never ignored.
 *
 *   units      tokens; those of sampler_options
 *   ownership  everything lives in the arena that it was read into
 *   threads    pure; immutable once read
 *   errors     as refusal.h
 */
#pragma once

#include "gpu/chat.h"
#include "gpu/refusal.h"
#include "gpu/sampler.h"
#include "gpu/stopper.h"

struct arena;
struct tree;

enum { ASK_INPUTS_MAX = 256, ASK_TOKENS_MAX = 1 << 24 };

enum ask_kind { ASK_CHAT, ASK_TEXT, ASK_EMBEDDING };

struct ask_input {
    struct span text;
    const uint32_t *tokens; /* instead of a text; NULL */
    uint32_t token_count;
};

struct ask {
    enum ask_kind kind;
    struct span model;                   /* as it is named; empty: whichever there is */
    const struct chat_message *messages; /* of a chat */
    uint32_t message_count;
    const struct ask_input *inputs; /* of anything else */
    uint32_t input_count;
    uint32_t tokens_max; /* of an answer; ASK_TOKENS_MAX: what there is room for */
    struct sampler_options sampler;
    bool has_seed;
    struct span stops[STOPPER_STRINGS_MAX];
    size_t stop_count;
    bool streams;
    bool includes_usage;       /* at the end of a stream */
    bool echoes;               /* the input before what goes on with it */
    const uint32_t *claimed;   /* an answer, of which it is only asked whether it is the one */
    uint32_t claimed_count;    /* 0: an answer is to be made */
    bool is_base64;            /* embeddings */
    struct span payment, body; /* of what is paid for: a token, and all of it as it came */
};

/* What is read from. */
struct ask_reader {
    struct ask *ask;
    struct arena *arena;
    const struct tree *object;
    struct refusal *refusal;
};

/* The body of a request as an object, in an arena of its own. */
MUST_CHECK bool ask_parse(const struct tree **object, struct arena *arena, struct span body,
                          struct refusal *refusal);

/* Those of the fields that samplers know by these names which are there. */
MUST_CHECK bool ask_read_sampler(const struct ask_reader *reader);
MUST_CHECK bool ask_read_seed(const struct ask_reader *reader);

/* A string, or a list of them. */
MUST_CHECK bool ask_read_stops(const struct ask_reader *reader);

/* A whole number from least to most; out is left when it is not there. */
MUST_CHECK bool ask_read_count(const struct ask_reader *reader, const char *name, uint32_t *out,
                               uint32_t least, uint32_t most);
MUST_CHECK bool ask_read_bool(const struct ask_reader *reader, const char *name, bool *out);
MUST_CHECK bool ask_read_text(const struct ask_reader *reader, const char *name, struct span *out);

/* A string, a list of them, of tokens, or of lists of tokens. */
MUST_CHECK bool ask_read_inputs(const struct ask_reader *reader, const char *name);

/* "claimed": the tokens of an answer that somebody gave. */
MUST_CHECK bool ask_read_claimed(const struct ask_reader *reader);

/* Messages with role and content, text or parts of text. */
MUST_CHECK bool ask_read_messages(const struct ask_reader *reader);

/* False when a field is there that would have to do something: it is neither null, false, empty
 * nor the harmless value. */
MUST_CHECK bool ask_lacks(const struct ask_reader *reader, const char *const *names, size_t count);

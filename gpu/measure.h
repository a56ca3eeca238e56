/* measure.h - what is asked of a model, in its tokens: what it must read, and pays for.
 *
 *   units      tokens
 *   ownership  all is borrowed
 *   threads    any
 *   errors     as refusal.h: a chat that the model knows no format of, a token that it has not got,
 *              a prompt that is empty or leaves no room in the context
 */
#pragma once

#include "gpu/ask.h"
#include "gpu/tokenizer.h"

struct chat_format;

struct measure {
    const struct tokenizer *tokenizer;
    const struct chat_format *format; /* NULL: none is known */
    uint32_t vocabulary, context;
};

/* With what is claimed behind it. index: of the ask's inputs. tokens: empty before, to be cleared
 * also after false. */
MUST_CHECK bool measure_tokens(const struct measure *measure, struct tokens *tokens,
                               const struct ask *ask, uint32_t index, struct refusal *refusal);

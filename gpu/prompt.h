/* prompt.h - what is asked, as the tokens that a model goes on from.
 *
 *   ownership  tokens are added to; all else is borrowed
 *   threads    pure, but for the date that one format tells the model
 *   errors     those of chat and tokenizer
 */
#pragma once

#include "gpu/chat.h"
#include "gpu/tokenizer.h"

/* messages: of chat all that is read; the rest is the tokenizer's, and the day's. */
MUST_CHECK bool prompt_add_chat(struct tokens *tokens, const struct tokenizer *tokenizer,
                                const struct chat_format *format, const struct chat *messages,
                                struct err *err);

/* The format of a model's chats: that of the name, if there is one, else by its template; NULL
 * when that is not known. */
MUST_CHECK bool prompt_find_format(const struct chat_format **format,
                                   const struct tokenizer *tokenizer, const char *name,
                                   struct err *err);

/* The token that ends the model's turn; VOCABULARY_NONE when it is the one that ends any text. */
uint32_t prompt_end_token(const struct chat_format *format, const struct tokenizer *tokenizer);

/* chat.h - a conversation as the text that a model was trained on.
 *
 * A model's file has a template, a program; its hash says which of the formats here does the same.
 * A template whose hash is not known has no format: such a model completes raw text, or its
 * operator names a format. It is never guessed.
 *
 * What people wrote is told apart from markup: it is quoted, so that a tokenizer finds no control
 * token in it.
 *
 *   units      bytes
 *   ownership  chat_clear frees a prompt
 *   threads    pure
 *   errors     ERR_INVALID a conversation that the template itself would refuse; Gemma's takes a
 *              system message that comes later, as a turn that no model saw: refused as well
 */
#pragma once

#include "gpu/tokenizer.h"
#include "shared/text.h"

enum { CHAT_MESSAGES_MAX = 4096 };

enum chat_role { CHAT_SYSTEM, CHAT_USER, CHAT_ASSISTANT };

struct chat_message {
    enum chat_role role;
    struct span content;
};

struct chat {
    const struct chat_message *messages;
    size_t count;
    struct span begin, end; /* the texts of the tokens that begin and end a text: "<s>", "</s>" */
    struct span today;      /* "21 Nov 2026"; one format tells the model */
};

struct chat_prompt {
    struct text text; /* ends where the model's answer is to begin */
    struct tokenizer_quote *quotes;
    size_t quote_count, quote_capacity;
};

struct chat_format;

/* By the template of a model; NULL when it is not known. */
const struct chat_format *chat_find(struct span template);

/* By name, as chat_names tells them; NULL when there is none. */
const struct chat_format *chat_find_name(const char *name);
const char *chat_name(const struct chat_format *format);

/* The text of the token that ends the model's turn; empty: the token that ends any text. */
struct span chat_end(const struct chat_format *format);

/* The index-th format, in no order; NULL past the last. */
const struct chat_format *chat_at(size_t index);

MUST_CHECK bool chat_render(struct chat_prompt *prompt, const struct chat_format *format,
                            const struct chat *chat, struct err *err);
void chat_clear(struct chat_prompt *prompt);

/* sha256 of a template without the blanks at its end: by which it is known. */
struct bytes32 chat_template_id(struct span template);

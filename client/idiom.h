/* idiom.h - the shapes that servers of models speak: what a chat of OpenAI's is in them, and what
 * their answers are.
 *
 * What an idiom has no word for is refused, never left out.
 *
 *   units      tokens
 *   ownership  what is read points into the text or the arena
 *   threads    any
 *   errors     ERR_UNSUPPORTED: the idiom has no word for it; ERR_INVALID: not of its shape
 *   spec       OpenAI "Create chat completion"; Anthropic "Messages" and "Streaming messages",
 *              version 2023-06-01; Ollama "Generate a chat completion"
 */
#pragma once

#include "client/delta.h"
#include "client/plea.h"

enum idiom { IDIOM_OPENAI, IDIOM_ANTHROPIC, IDIOM_OLLAMA };
enum { IDIOM_COUNT = IDIOM_OLLAMA + 1 };

const char *idiom_name(enum idiom idiom);
MUST_CHECK bool idiom_named(enum idiom *idiom, struct span name);

/* Behind the address of its API. */
const char *idiom_path(enum idiom idiom);

/* The body of a request. Other idioms than OpenAI's are always asked for a stream. */
MUST_CHECK bool idiom_write(struct text *out, enum idiom idiom, const struct plea *plea,
                            const struct plea_terms *terms, struct err *err);

/* One line of a stream: what it says is in delta; is_news: it says something. Usage is of the whole
 * answer up to there; a member of it that the line does not have is 0. */
struct idiom_news {
    bool is_news;
    bool is_end; /* nothing comes after it */
    struct delta delta;
};
MUST_CHECK bool idiom_read(struct idiom_news *news, struct arena *arena, enum idiom idiom,
                           struct span line, struct err *err);

/* Why a request was refused, in any of the shapes; empty where it is not said. */
struct span idiom_reason(struct arena *arena, struct span body);

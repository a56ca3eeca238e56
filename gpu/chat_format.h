/* chat_format.h - the formats of chats: each does what one family's templates do.
 *
 *   ownership  formats are static
 *   threads    pure
 */
#pragma once

#include "gpu/chat.h"

struct chat_format {
    const char *name;
    const char *end; /* of the model's turn; empty: the token that ends any text */
    bool (*write)(struct chat_prompt *prompt, const struct chat *chat, struct err *err);
};

/* NULL past the last. */
const struct chat_format *chat_format_at(size_t index);

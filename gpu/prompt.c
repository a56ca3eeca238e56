#include "gpu/prompt.h"

#include <time.h>

#include "gpu/vocabulary.h"
#include "shared/err.h"

static struct span token_text(const struct tokenizer *tokenizer, uint32_t token)
{
    if (token >= tokenizer->vocabulary.count)
        return (struct span){0};
    return tokenizer->vocabulary.tokens[token].text;
}

bool prompt_add_chat(struct tokens *tokens, const struct tokenizer *tokenizer,
                     const struct chat_format *format, const struct chat *messages, struct err *err)
{
    struct chat_prompt prompt;
    char today[32];
    time_t now = time(NULL);
    struct tm date;
    struct chat chat = *messages;
    gmtime_r(&now, &date);
    chat.begin = token_text(tokenizer, tokenizer->begin);
    chat.end = token_text(tokenizer, tokenizer->end);
    chat.today = (struct span){today, strftime(today, sizeof today, "%d %b %Y", &date)};
    if (!chat_render(&prompt, format, &chat, err))
        return false;
    struct tokenizer_quotes quotes = {prompt.quotes, prompt.quote_count};
    bool ok = tokenizer_encode_quoting(tokenizer, tokens, text_span(&prompt.text), &quotes, err);
    chat_clear(&prompt);
    return ok;
}

bool prompt_find_format(const struct chat_format **format, const struct tokenizer *tokenizer,
                        const char *name, struct err *err)
{
    *format = name != NULL ? chat_find_name(name) : chat_find(tokenizer->chat_template);
    return *format != NULL || name == NULL ||
           err_set(err, ERR_INVALID, "no format of chats is called '%.40s'", name);
}

uint32_t prompt_end_token(const struct chat_format *format, const struct tokenizer *tokenizer)
{
    if (format == NULL || chat_end(format).len == 0)
        return VOCABULARY_NONE;
    return vocabulary_find_any(&tokenizer->vocabulary, chat_end(format));
}

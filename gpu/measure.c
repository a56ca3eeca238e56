#include "gpu/measure.h"

#include "gpu/prompt.h"
#include "shared/err.h"

static bool add_tokens(const struct measure *measure, struct tokens *tokens, const uint32_t *more,
                       uint32_t count, struct err *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (more[i] >= measure->vocabulary)
            return err_set(err, ERR_INVALID, "the vocabulary has no token %u", more[i]);
        tokens_add(tokens, more[i]);
    }
    return true;
}

static bool make_tokens(const struct measure *measure, struct tokens *tokens, const struct ask *ask,
                        uint32_t index, struct err *err)
{
    const struct ask_input *input = ask->input_count > 0 ? ask->inputs + index : NULL;
    struct chat chat = {.messages = ask->messages, .count = ask->message_count};
    if (ask->kind == ASK_CHAT && measure->format != NULL)
        return prompt_add_chat(tokens, measure->tokenizer, measure->format, &chat, err);
    if (input == NULL)
        return err_set(err, ERR_INVALID,
                       "the format of this model's chats is not known: it completes texts");
    if (!add_tokens(measure, tokens, input->tokens, input->token_count, err))
        return false;
    return input->tokens != NULL ||
           tokenizer_encode(measure->tokenizer, tokens, input->text, TOKENIZER_ENDS, err);
}

bool measure_tokens(const struct measure *measure, struct tokens *tokens, const struct ask *ask,
                    uint32_t index, struct refusal *refusal)
{
    const char *param = ask->kind == ASK_CHAT   ? "messages"
                        : ask->kind == ASK_TEXT ? "prompt"
                                                : "input";
    struct err err;
    if (!make_tokens(measure, tokens, ask, index, &err))
        return refusal_set(refusal, 400, param, "%s", err.text);
    if (tokens->count == 0)
        return refusal_set(refusal, 400, param, "%s is empty", param);
    if (!add_tokens(measure, tokens, ask->claimed, ask->claimed_count, &err))
        return refusal_set(refusal, 400, "claimed", "%s", err.text);
    if (tokens->count < measure->context)
        return true;
    refusal_fill(refusal, 400, param, "a prompt of %zu tokens; the context is %u", tokens->count,
                 measure->context);
    refusal->code = "context_length_exceeded";
    return false;
}

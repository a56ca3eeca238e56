/* upstream_write.c - an ask in the words of another server's API. */
#include <inttypes.h>
#include <math.h>

#include "gpu/upstream.h"

const char *upstream_path(enum upstream_api api, enum ask_kind kind)
{
    bool is_ollama = api == UPSTREAM_OLLAMA;
    switch (kind) {
    case ASK_CHAT:
        return is_ollama ? "/api/chat" : "/chat/completions";
    case ASK_TEXT:
        return is_ollama ? "/api/generate" : "/completions";
    case ASK_EMBEDDING:
        return is_ollama ? "/api/embed" : "/embeddings";
    }
    return "";
}

const char *upstream_lacks(enum upstream_api api, const struct ask *ask, uint32_t index)
{
    if (ask->kind == ASK_CHAT && ask->message_count == 0)
        return "an empty chat";
    if (api == UPSTREAM_OPENAI)
        return NULL;
    if (ask->sampler.bias_count > 0)
        return "logit_bias";
    if (ask->kind == ASK_CHAT)
        return NULL;
    if (ask->inputs[index].tokens != NULL)
        return "a prompt of tokens";
    return ask->inputs[index].text.len == 0 ? "an empty prompt" : NULL;
}

static void write_name(struct text *out, const char *name)
{
    text_addf(out, ",\"%s\":", name);
}

static void write_number(struct text *out, const char *name, float value)
{
    write_name(out, name);
    text_addf(out, "%.7g", (double)value);
}

static void write_messages(struct text *out, const struct ask *ask)
{
    static const char *const roles[] = {
        [CHAT_SYSTEM] = "system", [CHAT_USER] = "user", [CHAT_ASSISTANT] = "assistant"};
    write_name(out, "messages");
    for (uint32_t i = 0; i < ask->message_count; i++) {
        text_addf(out, "%s{\"role\":\"%s\",\"content\":", i > 0 ? "," : "[",
                  roles[ask->messages[i].role]);
        text_add_json(out, ask->messages[i].content);
        text_add(out, SPAN("}"));
    }
    text_add(out, SPAN("]"));
}

static void write_input(struct text *out, const char *name, const struct ask_input *input)
{
    write_name(out, name);
    if (input->tokens == NULL) {
        text_add_json(out, input->text);
        return;
    }
    for (uint32_t i = 0; i < input->token_count; i++)
        text_addf(out, "%s%u", i > 0 ? "," : "[", input->tokens[i]);
    text_add(out, SPAN("]"));
}

static void write_stops(struct text *out, const struct ask *ask)
{
    if (ask->stop_count == 0)
        return;
    write_name(out, "stop");
    for (size_t i = 0; i < ask->stop_count; i++) {
        text_add(out, i > 0 ? SPAN(",") : SPAN("["));
        text_add_json(out, ask->stops[i]);
    }
    text_add(out, SPAN("]"));
}

static void write_biases(struct text *out, const struct sampler_options *sampler)
{
    if (sampler->bias_count == 0)
        return;
    write_name(out, "logit_bias");
    for (size_t i = 0; i < sampler->bias_count; i++) {
        float bias = sampler->biases[i].bias;
        text_addf(out, "%s\"%u\":%.7g", i > 0 ? "," : "{", sampler->biases[i].token,
                  isinf(bias) ? -100.0 : (double)bias);
    }
    text_add(out, SPAN("}"));
}

/* What both call the same; what only some servers know is told only where it does something. */
static void write_sampler(struct text *out, const struct ask *ask, const char *repetition)
{
    const struct sampler_options *sampler = &ask->sampler;
    uint64_t seed = 0;
    write_number(out, "temperature", sampler->temperature);
    write_number(out, "top_p", sampler->top_p);
    if (sampler->top_k > 0)
        text_addf(out, ",\"top_k\":%u", sampler->top_k);
    if (sampler->min_p > 0)
        write_number(out, "min_p", sampler->min_p);
    if (sampler->repetition != 1)
        write_number(out, repetition, sampler->repetition);
    if (sampler->frequency != 0)
        write_number(out, "frequency_penalty", sampler->frequency);
    if (sampler->presence != 0)
        write_number(out, "presence_penalty", sampler->presence);
    for (size_t i = 8; i-- > 0;)
        seed = seed << 8 | sampler->seed.at[i];
    if (ask->has_seed)
        text_addf(out, ",\"seed\":%" PRId64, (int64_t)seed);
    write_stops(out, ask);
}

static void write_openai(struct text *out, const struct ask *ask)
{
    text_add(out, SPAN(",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
    write_sampler(out, ask, "repetition_penalty");
    write_biases(out, &ask->sampler);
    if (ask->tokens_max < ASK_TOKENS_MAX)
        text_addf(out, ",\"max_tokens\":%u", ask->tokens_max);
}

static void write_ollama(struct text *out, const struct ask *ask)
{
    text_addf(out,
              "%s,\"stream\":true,\"options\":{\"num_predict\":%" PRId64 ",\"repeat_last_n\":%u",
              ask->kind == ASK_TEXT ? ",\"raw\":true" : "",
              ask->tokens_max < ASK_TOKENS_MAX ? (int64_t)ask->tokens_max : (int64_t)-1,
              ask->sampler.last);
    write_sampler(out, ask, "repeat_penalty");
    text_add(out, SPAN("}"));
}

void upstream_write(struct text *body, enum upstream_api api, const struct ask *ask, uint32_t index,
                    const char *model)
{
    text_add(body, SPAN("{\"model\":"));
    text_add_json(body, (struct span){model, strlen(model)});
    if (ask->kind == ASK_CHAT)
        write_messages(body, ask);
    else
        write_input(body, ask->kind == ASK_TEXT ? "prompt" : "input", ask->inputs + index);
    if (ask->kind != ASK_EMBEDDING)
        (api == UPSTREAM_OLLAMA ? write_ollama : write_openai)(body, ask);
    else if (api == UPSTREAM_OPENAI)
        text_add(body, SPAN(",\"encoding_format\":\"float\""));
    text_add(body, SPAN("}"));
}

/* Any bytes as the body of a request, of each call of each API: what is read keeps within its
 * bounds, and what it is answered with is JSON. The first byte says which call it is. */
#include <assert.h>

#include "gpu/ollama.h"
#include "gpu/openai.h"
#include "shared/arena.h"
#include "shared/scan.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_json(struct span text)
{
    struct scan scan = scan_begin(text);
    return scan_skip(&scan, NULL) && scan_end(&scan, NULL);
}

static bool is_text(struct span text)
{
    return text.len == 0 || utf8_is(text);
}

static void check(const struct ask *ask)
{
    assert(ask->input_count <= ASK_INPUTS_MAX && ask->stop_count <= STOPPER_STRINGS_MAX);
    assert(ask->message_count <= CHAT_MESSAGES_MAX);
    assert(ask->sampler.temperature >= 0 && ask->sampler.top_p > 0 && ask->sampler.top_p <= 1);
    assert(ask->sampler.bias_count <= SAMPLER_BIASES_MAX);
    assert(is_text(ask->model));
    for (uint32_t i = 0; i < ask->message_count; i++)
        assert(is_text(ask->messages[i].content));
    for (uint32_t i = 0; i < ask->input_count; i++)
        assert(is_text(ask->inputs[i].text) &&
               (ask->inputs[i].tokens == NULL) == (ask->inputs[i].token_count == 0));
    for (size_t i = 0; i < ask->stop_count; i++)
        assert(ask->stops[i].len > 0 && is_text(ask->stops[i]));
}

static void answer(const struct dialect *dialect, const struct ask *ask, struct arena *arena)
{
    struct text out = {0};
    float vector[] = {1, -0.5F};
    struct reply reply = {.ask = ask, .model = ask->model, .width = 2, .part_count = 1};
    reply.part_count += ask->input_count > 0 ? ask->input_count - 1 : 0;
    reply.parts = arena_array(arena, struct reply_part, reply.part_count);
    for (uint32_t i = 0; i < reply.part_count; i++) {
        text_add(&reply.parts[i].text, ask->input_count > 0 ? ask->inputs[i].text : ask->model);
        reply.parts[i].embedding = vector;
    }
    dialect->whole(&out, &reply);
    assert(is_json(text_span(&out)));
    for (uint32_t i = 0; i < reply.part_count; i++)
        text_clear(&reply.parts[i].text);
    text_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dialect *const dialects[] = {
        &openai_chat, &openai_text,  &openai_embedding, &ollama_chat,
        &ollama_text, &ollama_embed, &ollama_embedding};
    struct arena arena = {0};
    struct text out = {0};
    struct refusal refusal = {0};
    struct ask ask;
    struct span model;
    if (size == 0)
        return 0;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): of pointers
    const struct dialect *dialect = dialects[data[0] % ARRAY_LEN(dialects)];
    struct span body = {(const char *)data + 1, size - 1};
    if (dialect->read(&ask, &arena, body, &refusal)) {
        check(&ask);
        answer(dialect, &ask, &arena);
    } else {
        assert(refusal.status == 400 && refusal.text[0] != '\0');
        dialect->refuse(&out, &refusal);
        assert(is_json(text_span(&out)));
    }
    if (ollama_read_model(&model, &arena, body, &refusal))
        assert(model.len > 0 && utf8_is(model));
    text_clear(&out);
    arena_clear(&arena);
    return 0;
}

#include "gpu/openai.h"

#include <math.h>

#include "gpu/tree.h"
#include "shared/arena.h"
#include "shared/number.h"

enum { TEXT_TOKENS_MAX = 16 }; /* where a completion does not say */

static bool read_biases(const struct ask_reader *reader)
{
    const struct tree *field = tree_get(reader->object, "logit_bias");
    struct sampler_options *sampler = &reader->ask->sampler;
    if (field == NULL)
        return true;
    if (tree_as(field, TREE_OBJECT) == NULL || field->count > SAMPLER_BIASES_MAX)
        return refusal_set(reader->refusal, 400, "logit_bias",
                           "logit_bias is an object of at most %d tokens", SAMPLER_BIASES_MAX);
    struct sampler_bias *biases = arena_array(reader->arena, struct sampler_bias, field->count);
    for (const struct tree *item = field->first; item != NULL; item = item->next) {
        int64_t token;
        double bias;
        if (!number_decimal(&token, item->key) || token > INT32_MAX || !tree_number(item, &bias) ||
            bias < -100 || bias > 100)
            return refusal_set(reader->refusal, 400, "logit_bias",
                               "logit_bias has a number from -100 to 100 for a token's number");
        biases[sampler->bias_count++] =
            (struct sampler_bias){(uint32_t)token, bias == -100 ? -INFINITY : (float)bias};
    }
    sampler->biases = biases;
    return true;
}

/* One answer, of which nothing is wanted but its text. */
static bool read_bounds(const struct ask_reader *reader)
{
    static const char *const unknown[] = {"suffix", "tools",        "functions",         "logprobs",
                                          "audio",  "top_logprobs", "web_search_options"};
    const struct tree *format = tree_get(reader->object, "response_format");
    uint32_t one = 1;
    if (format != NULL && !tree_is(tree_get(format, "type"), "text"))
        return refusal_set(reader->refusal, 400, "response_format",
                           "answers are text: no other response_format is supported here");
    return ask_lacks(reader, unknown, ARRAY_LEN(unknown)) &&
           ask_read_count(reader, "n", &one, 1, 1) && ask_read_count(reader, "best_of", &one, 1, 1);
}

static bool read_stream(const struct ask_reader *reader)
{
    struct ask_reader options = *reader;
    options.object = tree_get(reader->object, "stream_options");
    return ask_read_bool(reader, "stream", &reader->ask->streams) &&
           ask_read_bool(&options, "include_usage", &reader->ask->includes_usage);
}

static bool read_common(const struct ask_reader *reader)
{
    struct ask *ask = reader->ask;
    ask->sampler = sampler_options_greedy();
    ask->sampler.temperature = 1;
    return ask_read_text(reader, "model", &ask->model) && read_bounds(reader) &&
           ask_read_sampler(reader) && ask_read_seed(reader) && ask_read_stops(reader) &&
           ask_read_claimed(reader) && read_stream(reader) && read_biases(reader) &&
           ask_read_count(reader, "max_tokens", &ask->tokens_max, 1, ASK_TOKENS_MAX) &&
           ask_read_count(reader, "max_completion_tokens", &ask->tokens_max, 1, ASK_TOKENS_MAX);
}

bool openai_read_chat(struct ask *ask, struct arena *arena, struct span body,
                      struct refusal *refusal)
{
    struct arena room = {0};
    struct ask_reader reader = {ask, arena, NULL, refusal};
    *ask = (struct ask){.kind = ASK_CHAT, .tokens_max = ASK_TOKENS_MAX};
    bool ok = ask_parse(&reader.object, &room, body, refusal) && read_common(&reader) &&
              ask_read_messages(&reader);
    arena_clear(&room);
    return ok &&
           (ask->message_count > 0 || refusal_set(refusal, 400, "messages", "there is no message"));
}

bool openai_read_text(struct ask *ask, struct arena *arena, struct span body,
                      struct refusal *refusal)
{
    struct arena room = {0};
    struct ask_reader reader = {ask, arena, NULL, refusal};
    *ask = (struct ask){.kind = ASK_TEXT, .tokens_max = TEXT_TOKENS_MAX};
    bool ok = ask_parse(&reader.object, &room, body, refusal) && read_common(&reader) &&
              ask_read_inputs(&reader, "prompt") && ask_read_bool(&reader, "echo", &ask->echoes);
    arena_clear(&room);
    return ok;
}

bool openai_read_embedding(struct ask *ask, struct arena *arena, struct span body,
                           struct refusal *refusal)
{
    static const char *const unknown[] = {"dimensions"};
    struct arena room = {0};
    struct ask_reader reader = {ask, arena, NULL, refusal};
    struct span format = SPAN("float");
    *ask = (struct ask){.kind = ASK_EMBEDDING, .sampler = sampler_options_greedy()};
    bool ok = ask_parse(&reader.object, &room, body, refusal) &&
              ask_read_text(&reader, "model", &ask->model) &&
              ask_lacks(&reader, unknown, ARRAY_LEN(unknown)) &&
              ask_read_text(&reader, "encoding_format", &format) &&
              ask_read_inputs(&reader, "input");
    arena_clear(&room);
    ask->is_base64 = span_eq(format, SPAN("base64"));
    return ok &&
           (ask->is_base64 || span_eq(format, SPAN("float")) ||
            refusal_set(refusal, 400, "encoding_format", "encoding_format is float or base64"));
}

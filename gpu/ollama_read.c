#include "gpu/ollama.h"
#include "gpu/tree.h"
#include "shared/arena.h"

enum { TOP_K = 40, LAST = 64 };

/* "demo" is "demo:latest". */
static struct span plain_name(struct span name)
{
    static const struct span latest = {":latest", 7};
    if (name.len > latest.len &&
        memcmp(name.at + name.len - latest.len, latest.at, latest.len) == 0)
        name.len -= latest.len;
    return name;
}

static bool read_limit(const struct ask_reader *reader)
{
    const struct tree *field = tree_get(reader->object, "num_predict");
    double number;
    if (field != NULL && tree_number(field, &number) && number < 0)
        return true; /* to the end */
    return ask_read_count(reader, "num_predict", &reader->ask->tokens_max, 1, ASK_TOKENS_MAX);
}

/* As Ollama's own when nothing is said. */
static bool read_options(const struct ask_reader *outer)
{
    struct ask_reader reader = *outer;
    struct sampler_options *sampler = &reader.ask->sampler;
    *sampler = sampler_options_greedy();
    sampler->temperature = 0.8F;
    sampler->top_k = TOP_K;
    sampler->top_p = 0.9F;
    sampler->repetition = 1.1F;
    sampler->last = LAST;
    reader.object = tree_get(outer->object, "options");
    return ask_read_sampler(&reader) && ask_read_seed(&reader) && ask_read_stops(&reader) &&
           read_limit(&reader) &&
           ask_read_count(&reader, "repeat_last_n", &sampler->last, 0, INT32_MAX);
}

static bool read_common(const struct ask_reader *reader)
{
    static const char *const unknown[] = {"suffix", "images", "format", "template",
                                          "tools",  "think",  "context"};
    struct ask *ask = reader->ask;
    ask->streams = true;
    if (!ask_read_text(reader, "model", &ask->model))
        return false;
    ask->model = plain_name(ask->model);
    return (ask->model.len > 0 || refusal_set(reader->refusal, 400, "model", "model is missing")) &&
           ask_lacks(reader, unknown, ARRAY_LEN(unknown)) && read_options(reader) &&
           ask_read_bool(reader, "stream", &ask->streams);
}

bool ollama_read_chat(struct ask *ask, struct arena *arena, struct span body,
                      struct refusal *refusal)
{
    struct arena room = {0};
    struct ask_reader reader = {ask, arena, NULL, refusal};
    *ask = (struct ask){.kind = ASK_CHAT, .tokens_max = ASK_TOKENS_MAX};
    bool ok = ask_parse(&reader.object, &room, body, refusal) && read_common(&reader) &&
              (tree_get(reader.object, "messages") == NULL || ask_read_messages(&reader));
    arena_clear(&room);
    return ok;
}

/* A prompt is the only message of a chat where the model can chat, and is gone on with where it
 * cannot, or where it is to be raw. */
static bool read_prompt(const struct ask_reader *reader)
{
    struct ask *ask = reader->ask;
    struct chat_message *messages = arena_array(reader->arena, struct chat_message, 2);
    struct span system = {0};
    bool is_raw = false;
    if (tree_get(reader->object, "prompt") == NULL)
        return true;
    if (!ask_read_text(reader, "system", &system) || !ask_read_bool(reader, "raw", &is_raw) ||
        !ask_read_inputs(reader, "prompt"))
        return false;
    if (ask->inputs[0].text.len == 0) {
        ask->input_count = 0;
        return true;
    }
    if (system.len > 0)
        messages[ask->message_count++] = (struct chat_message){CHAT_SYSTEM, system};
    messages[ask->message_count++] = (struct chat_message){CHAT_USER, ask->inputs[0].text};
    ask->messages = messages;
    ask->kind = is_raw ? ASK_TEXT : ASK_CHAT;
    return true;
}

bool ollama_read_text(struct ask *ask, struct arena *arena, struct span body,
                      struct refusal *refusal)
{
    struct arena room = {0};
    struct ask_reader reader = {ask, arena, NULL, refusal};
    *ask = (struct ask){.kind = ASK_CHAT, .tokens_max = ASK_TOKENS_MAX};
    bool ok = ask_parse(&reader.object, &room, body, refusal) && read_common(&reader);
    if (ok && tree_as(tree_get(reader.object, "prompt"), TREE_ARRAY) != NULL)
        ok = refusal_set(refusal, 400, "prompt", "prompt is a string");
    ok = ok && read_prompt(&reader);
    arena_clear(&room);
    return ok;
}

static bool read_embedding(struct ask *ask, struct arena *arena, struct span body,
                           struct refusal *refusal, const char *name)
{
    static const char *const unknown[] = {"dimensions"};
    struct arena room = {0};
    struct ask_reader reader = {ask, arena, NULL, refusal};
    *ask = (struct ask){.kind = ASK_EMBEDDING, .sampler = sampler_options_greedy()};
    bool ok = ask_parse(&reader.object, &room, body, refusal) &&
              ask_read_text(&reader, "model", &ask->model) &&
              ask_lacks(&reader, unknown, ARRAY_LEN(unknown)) && ask_read_inputs(&reader, name);
    arena_clear(&room);
    ask->model = plain_name(ask->model);
    return ok;
}

bool ollama_read_embed(struct ask *ask, struct arena *arena, struct span body,
                       struct refusal *refusal)
{
    return read_embedding(ask, arena, body, refusal, "input");
}

bool ollama_read_embedding(struct ask *ask, struct arena *arena, struct span body,
                           struct refusal *refusal)
{
    return read_embedding(ask, arena, body, refusal, "prompt") &&
           (ask->input_count == 1 || refusal_set(refusal, 400, "prompt", "one prompt at a time"));
}

bool ollama_read_model(struct span *model, struct arena *arena, struct span body,
                       struct refusal *refusal)
{
    struct arena room = {0};
    struct ask_reader reader = {NULL, arena, NULL, refusal};
    *model = (struct span){0};
    bool ok = ask_parse(&reader.object, &room, body, refusal) &&
              ask_read_text(&reader, "name", model) && ask_read_text(&reader, "model", model);
    arena_clear(&room);
    *model = plain_name(*model);
    return ok && (model->len > 0 || refusal_set(refusal, 400, "model", "model is missing"));
}

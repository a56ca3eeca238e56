#include "client/chunk.h"

#include <inttypes.h>

#include "shared/text.h"

static void write_head(struct text *out, const struct chunk *chunk, const char *object)
{
    text_addf(out, "{\"id\":\"chatcmpl-%016" PRIx64 "\",\"object\":\"%s\",\"created\":%" PRId64,
              chunk->number, object, chunk->created_at);
    text_add(out, SPAN(",\"model\":"));
    text_add_json(out, chunk->model);
}

static void write_usage(struct text *out, const struct chunk *chunk)
{
    text_addf(out,
              ",\"usage\":{\"prompt_tokens\":%" PRIu32 ",\"completion_tokens\":%" PRIu32
              ",\"total_tokens\":%" PRIu64 "}",
              chunk->prompt_tokens, chunk->output_tokens,
              (uint64_t)chunk->prompt_tokens + chunk->output_tokens);
}

static void write_finish(struct text *out, struct span finish)
{
    text_add(out, SPAN(",\"logprobs\":null,\"finish_reason\":"));
    if (finish.len > 0)
        text_add_json(out, finish);
    else
        text_add(out, SPAN("null"));
    text_add(out, SPAN("}]"));
}

static void begin_event(struct text *out, const struct chunk *chunk)
{
    text_add(out, SPAN("data: "));
    write_head(out, chunk, "chat.completion.chunk");
}

void chunk_begin(struct text *out, const struct chunk *chunk)
{
    begin_event(out, chunk);
    text_add(out, SPAN(",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
                       "\"content\":\"\"}"));
    write_finish(out, (struct span){0});
    text_add(out, SPAN("}\n\n"));
}

void chunk_add(struct text *out, const struct chunk *chunk, struct span piece)
{
    begin_event(out, chunk);
    text_add(out, SPAN(",\"choices\":[{\"index\":0,\"delta\":{\"content\":"));
    text_add_json(out, piece);
    text_add(out, SPAN("}"));
    write_finish(out, (struct span){0});
    text_add(out, SPAN("}\n\n"));
}

void chunk_end(struct text *out, const struct chunk *chunk, struct span finish)
{
    begin_event(out, chunk);
    text_add(out, SPAN(",\"choices\":[{\"index\":0,\"delta\":{}"));
    write_finish(out, finish);
    text_add(out, SPAN("}\n\n"));
    if (!chunk->has_usage)
        return;
    begin_event(out, chunk);
    text_add(out, SPAN(",\"choices\":[]"));
    write_usage(out, chunk);
    text_add(out, SPAN("}\n\n"));
}

void chunk_pass(struct text *out, struct span json)
{
    text_add(out, SPAN("data: "));
    text_add(out, json);
    text_add(out, SPAN("\n\n"));
}

void chunk_done(struct text *out)
{
    chunk_pass(out, SPAN("[DONE]"));
}

void chunk_whole(struct text *out, const struct chunk *chunk, struct span words, struct span finish)
{
    write_head(out, chunk, "chat.completion");
    text_add(out, SPAN(",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                       "\"content\":"));
    text_add_json(out, words);
    text_add(out, SPAN(",\"refusal\":null}"));
    write_finish(out, finish);
    write_usage(out, chunk);
    text_add(out, SPAN("}"));
}

void chunk_refuse(struct text *out, const struct chunk_refusal *refusal)
{
    text_add(out, SPAN("{\"error\":{\"message\":"));
    text_add_json(out, refusal->why);
    text_addf(out, ",\"type\":\"%s\",\"param\":null,\"code\":", refusal->type);
    if (refusal->code != NULL)
        text_addf(out, "\"%s\"}}", refusal->code);
    else
        text_add(out, SPAN("null}}"));
}

void chunk_model(struct text *out, struct span model, struct span owner, int64_t created_at)
{
    text_add(out, SPAN("{\"id\":"));
    text_add_json(out, model);
    text_addf(out, ",\"object\":\"model\",\"created\":%" PRId64 ",\"owned_by\":", created_at);
    text_add_json(out, owner);
    text_add(out, SPAN("}"));
}

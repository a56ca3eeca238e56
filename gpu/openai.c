#include "gpu/openai.h"

#include <inttypes.h>
#include <openssl/evp.h>

#include "shared/text.h"

static void write_text(struct text *out, const char *text)
{
    if (text == NULL)
        text_add(out, SPAN("null"));
    else
        text_add_json(out, (struct span){text, strlen(text)});
}

static void write_usage(struct text *out, const struct reply *reply)
{
    const struct reply_usage *usage = &reply->usage;
    bool answers = reply->ask->kind != ASK_EMBEDDING;
    text_addf(out, "\"usage\":{\"prompt_tokens\":%u,", usage->prompt_tokens);
    if (answers)
        text_addf(out, "\"completion_tokens\":%u,\"prompt_tokens_details\":{\"cached_tokens\":%u},",
                  usage->tokens, usage->kept_tokens);
    text_addf(out, "\"total_tokens\":%u}", usage->prompt_tokens + (answers ? usage->tokens : 0));
}

/* Up to the members that differ. */
static void write_head(struct text *out, const struct reply *reply, const char *chat_object)
{
    bool is_chat = reply->ask->kind == ASK_CHAT;
    text_addf(out, "{\"id\":\"%s-%016" PRIx64 "\",\"object\":\"%s\",\"created\":%" PRId64,
              is_chat ? "chatcmpl" : "cmpl", reply->number,
              is_chat ? chat_object : "text_completion", reply->created_at);
    text_add(out, SPAN(",\"model\":"));
    text_add_json(out, reply->model);
}

/* ---- whole answers ---- */

static void write_choice(struct text *out, const struct reply *reply, uint32_t index)
{
    const struct reply_part *part = reply->parts + index;
    bool is_chat = reply->ask->kind == ASK_CHAT;
    text_addf(out, "%s{\"index\":%u,", index > 0 ? "," : "", index);
    text_addf(out, "%s",
              is_chat ? "\"message\":{\"role\":\"assistant\",\"content\":" : "\"text\":");
    text_add_json(out, text_span(&part->text));
    text_addf(out, "%s,\"logprobs\":null,\"finish_reason\":\"%s\"}",
              is_chat ? ",\"refusal\":null}" : "", reply_why(part->end));
}

static void write_whole(struct text *out, const struct reply *reply)
{
    write_head(out, reply, "chat.completion");
    text_add(out, SPAN(",\"choices\":["));
    for (uint32_t i = 0; i < reply->part_count; i++)
        write_choice(out, reply, i);
    text_add(out, SPAN("],"));
    write_usage(out, reply);
    text_add(out, SPAN("}"));
}

/* As the bytes of its floats. */
static void write_base64(struct text *out, const float *vector, uint32_t width)
{
    size_t size = (size_t)width * sizeof *vector;
    text_add(out, SPAN("\""));
    unsigned char *at = (unsigned char *)text_reserve(out, size / 3 * 4 + 5);
    out->len += (size_t)EVP_EncodeBlock(at, (const unsigned char *)vector, (int)size);
    text_add(out, SPAN("\""));
}

static void write_embeddings(struct text *out, const struct reply *reply)
{
    text_add(out, SPAN("{\"object\":\"list\",\"data\":["));
    for (uint32_t i = 0; i < reply->part_count; i++) {
        text_addf(out, "%s{\"object\":\"embedding\",\"index\":%u,\"embedding\":", i > 0 ? "," : "",
                  i);
        (reply->ask->is_base64 ? write_base64 : reply_write_vector)(out, reply->parts[i].embedding,
                                                                    reply->width);
        text_add(out, SPAN("}"));
    }
    text_add(out, SPAN("],\"model\":"));
    text_add_json(out, reply->model);
    text_add(out, SPAN(",\"method\":\"mean of the last hidden states\","));
    write_usage(out, reply);
    text_add(out, SPAN("}"));
}

/* ---- streams ---- */

static void begin_event(struct text *out, const struct reply *reply)
{
    text_add(out, SPAN("data: "));
    write_head(out, reply, "chat.completion.chunk");
}

/* A choice with what is new, and why it ends, if it does. */
static void write_event(struct text *out, const struct reply *reply, const char *delta,
                        struct span piece, const char *why)
{
    bool is_chat = reply->ask->kind == ASK_CHAT;
    begin_event(out, reply);
    text_addf(out, ",\"choices\":[{\"index\":%u,", reply->index);
    text_addf(out, "%s", is_chat ? delta : "\"text\":");
    if (!is_chat || why == NULL)
        text_add_json(out, piece);
    text_addf(out, "%s,\"logprobs\":null,\"finish_reason\":", is_chat ? "}" : "");
    write_text(out, why);
    text_addf(out, "}]%s}\n\n", reply->ask->includes_usage ? ",\"usage\":null" : "");
}

static void begin(struct text *out, const struct reply *reply)
{
    if (reply->ask->kind == ASK_CHAT)
        write_event(out, reply, "\"delta\":{\"role\":\"assistant\",\"content\":", SPAN(""), NULL);
}

static void write_piece(struct text *out, const struct reply *reply, struct span piece)
{
    write_event(out, reply, "\"delta\":{\"content\":", piece, NULL);
}

static void end(struct text *out, const struct reply *reply)
{
    write_event(out, reply, "\"delta\":{", SPAN(""), reply_why(reply->parts[reply->index].end));
}

static void finish(struct text *out, const struct reply *reply)
{
    if (reply->ask->includes_usage) {
        begin_event(out, reply);
        text_add(out, SPAN(",\"choices\":[],"));
        write_usage(out, reply);
        text_add(out, SPAN("}\n\n"));
    }
    text_add(out, SPAN("data: [DONE]\n\n"));
}

/* ---- what went wrong ---- */

void openai_refuse(struct text *out, const struct refusal *refusal)
{
    text_add(out, SPAN("{\"error\":{\"message\":"));
    write_text(out, refusal->text);
    text_addf(out, ",\"type\":\"%s\",\"param\":", refusal_kind(refusal));
    write_text(out, refusal->param);
    text_add(out, SPAN(",\"code\":"));
    write_text(out, refusal->code);
    text_add(out, SPAN("}}"));
}

static void fail(struct text *out, const struct refusal *refusal)
{
    text_add(out, SPAN("data: "));
    openai_refuse(out, refusal);
    text_add(out, SPAN("\n\n"));
}

void openai_write_model(struct text *out, struct span model, int64_t created_at)
{
    text_add(out, SPAN("{\"id\":"));
    text_add_json(out, model);
    text_addf(out, ",\"object\":\"model\",\"created\":%" PRId64 ",\"owned_by\":\"shoal\"}",
              created_at);
}

const struct dialect openai_chat = {
    "text/event-stream", openai_read_chat, write_whole, begin, write_piece, end, finish, fail,
    openai_refuse};
const struct dialect openai_text = {
    "text/event-stream", openai_read_text, write_whole, begin, write_piece, end, finish, fail,
    openai_refuse};
const struct dialect openai_embedding = {
    .read = openai_read_embedding, .whole = write_embeddings, .refuse = openai_refuse};

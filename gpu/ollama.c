#include "gpu/ollama.h"

#include <inttypes.h>

#include "shared/text.h"

static void write_head(struct text *out, const struct reply *reply)
{
    text_add(out, SPAN("{\"model\":"));
    text_add_json(out, reply->model);
    text_add(out, SPAN(",\"created_at\":\""));
    reply_write_time(out, reply->created_at, reply->created_nanoseconds);
    text_add(out, SPAN("\","));
}

static void write_said(struct text *out, bool is_chat, struct span said)
{
    text_addf(out, "%s",
              is_chat ? "\"message\":{\"role\":\"assistant\",\"content\":" : "\"response\":");
    text_add_json(out, said);
    text_addf(out, "%s", is_chat ? "}" : "");
}

/* A last line, or all there is. */
static void write_end(struct text *out, const struct reply *reply, bool is_chat, struct span said)
{
    const struct reply_usage *usage = &reply->usage;
    bool is_empty = reply->ask->message_count == 0 && reply->ask->input_count == 0;
    write_head(out, reply);
    write_said(out, is_chat, said);
    text_addf(out,
              ",\"done\":true,\"done_reason\":\"%s\",\"total_duration\":%" PRIu64
              ",\"load_duration\":0",
              is_empty ? "load" : reply_why(reply->parts[0].end), reply->total_nanoseconds);
    if (!is_empty)
        text_addf(out,
                  ",\"prompt_eval_count\":%u,\"prompt_eval_duration\":%" PRIu64
                  ",\"eval_count\":%u,\"eval_duration\":%" PRIu64,
                  usage->prompt_tokens, usage->prompt_nanoseconds, usage->tokens,
                  usage->nanoseconds);
    text_add(out, SPAN("}"));
}

static void write_piece(struct text *out, const struct reply *reply, bool is_chat, struct span said)
{
    write_head(out, reply);
    write_said(out, is_chat, said);
    text_add(out, SPAN(",\"done\":false}\n"));
}

static void begin(struct text *out, const struct reply *reply)
{
    (void)out;
    (void)reply;
}

static void whole_chat(struct text *out, const struct reply *reply)
{
    write_end(out, reply, true, text_span(&reply->parts[0].text));
}

static void piece_chat(struct text *out, const struct reply *reply, struct span piece)
{
    write_piece(out, reply, true, piece);
}

static void end_chat(struct text *out, const struct reply *reply)
{
    write_end(out, reply, true, SPAN(""));
    text_add(out, SPAN("\n"));
}

static void whole_text(struct text *out, const struct reply *reply)
{
    write_end(out, reply, false, text_span(&reply->parts[0].text));
}

static void piece_text(struct text *out, const struct reply *reply, struct span piece)
{
    write_piece(out, reply, false, piece);
}

static void end_text(struct text *out, const struct reply *reply)
{
    write_end(out, reply, false, SPAN(""));
    text_add(out, SPAN("\n"));
}

static void embed_whole(struct text *out, const struct reply *reply)
{
    text_add(out, SPAN("{\"model\":"));
    text_add_json(out, reply->model);
    text_add(out, SPAN(",\"embeddings\":["));
    for (uint32_t i = 0; i < reply->part_count; i++) {
        text_addf(out, "%s", i > 0 ? "," : "");
        reply_write_vector(out, reply->parts[i].embedding, reply->width);
    }
    text_addf(out,
              "],\"method\":\"mean of the last hidden states\",\"total_duration\":%" PRIu64
              ",\"load_duration\":0,\"prompt_eval_count\":%u}",
              reply->total_nanoseconds, reply->usage.prompt_tokens);
}

static void embedding_whole(struct text *out, const struct reply *reply)
{
    text_add(out, SPAN("{\"embedding\":"));
    reply_write_vector(out, reply->parts[0].embedding, reply->width);
    text_add(out, SPAN("}"));
}

void ollama_refuse(struct text *out, const struct refusal *refusal)
{
    text_add(out, SPAN("{\"error\":"));
    text_add_json(out, (struct span){refusal->text, strlen(refusal->text)});
    text_add(out, SPAN("}"));
}

static void fail(struct text *out, const struct refusal *refusal)
{
    ollama_refuse(out, refusal);
    text_add(out, SPAN("\n"));
}

/* ---- models ---- */

static void write_kind(struct text *out, const struct ollama_model *model)
{
    text_addf(out,
              "\"details\":{\"parent_model\":\"\",\"format\":\"%s\",\"family\":\"%s\","
              "\"families\":[\"%s\"],\"parameter_size\":\"%.1fM\",\"quantization_level\":\"%s\"}",
              model->format, model->family, model->family, (double)model->parameters / 1e6,
              model->type);
}

void ollama_write_model(struct text *out, const struct ollama_model *model)
{
    text_add(out, SPAN("{\"name\":"));
    text_add_json(out, model->name);
    text_add(out, SPAN(",\"model\":"));
    text_add_json(out, model->name);
    text_add(out, SPAN(",\"modified_at\":\""));
    reply_write_time(out, model->changed_at, 0);
    text_addf(out, "\",\"size\":%" PRIu64 ",\"digest\":\"\",", model->size);
    write_kind(out, model);
    text_add(out, SPAN("}"));
}

void ollama_write_details(struct text *out, const struct ollama_model *model)
{
    text_add(out, SPAN("{\"modelfile\":\"\",\"parameters\":\"\",\"template\":"));
    text_add_json(out, model->template);
    text_add(out, SPAN(",\"modified_at\":\""));
    reply_write_time(out, model->changed_at, 0);
    text_add(out, SPAN("\","));
    write_kind(out, model);
    text_addf(
        out,
        ",\"model_info\":{\"general.architecture\":\"%s\",\"general.parameter_count\":%" PRIu64
        ",\"%s.context_length\":%u,\"%s.embedding_length\":%u},"
        "\"capabilities\":[\"completion\",\"embedding\"]}",
        model->family, model->parameters, model->family, model->context, model->family,
        model->width);
}

const struct dialect ollama_chat = {
    "application/x-ndjson", ollama_read_chat, whole_chat, begin, piece_chat, end_chat, begin, fail,
    ollama_refuse};
const struct dialect ollama_text = {
    "application/x-ndjson", ollama_read_text, whole_text, begin, piece_text, end_text, begin, fail,
    ollama_refuse};
const struct dialect ollama_embed = {
    .read = ollama_read_embed, .whole = embed_whole, .refuse = ollama_refuse};
const struct dialect ollama_embedding = {
    .read = ollama_read_embedding, .whole = embedding_whole, .refuse = ollama_refuse};

#include "gpu/run.h"

#include <time.h>

#include "gpu/chat.h"
#include "gpu/exec.h"
#include "gpu/generation.h"
#include "gpu/model.h"
#include "gpu/vocabulary.h"
#include "shared/err.h"

enum { CONTEXT_MAX = 8192, ROWS = 256 };

static struct span token_text(const struct tokenizer *tokenizer, uint32_t token)
{
    if (token >= tokenizer->vocabulary.count)
        return (struct span){0};
    return tokenizer->vocabulary.tokens[token].text;
}

/* The question as the chat's format has it. */
static bool ask(struct tokens *tokens, const struct tokenizer *tokenizer,
                const struct chat_format *format, const struct run_options *options,
                struct err *err)
{
    struct chat_message messages[2];
    struct chat_prompt prompt;
    char today[32];
    time_t now = time(NULL);
    struct tm date;
    struct chat chat = {.messages = messages,
                        .begin = token_text(tokenizer, tokenizer->begin),
                        .end = token_text(tokenizer, tokenizer->end)};
    gmtime_r(&now, &date);
    chat.today = (struct span){today, strftime(today, sizeof today, "%d %b %Y", &date)};
    if (options->system != NULL)
        messages[chat.count++] =
            (struct chat_message){CHAT_SYSTEM, {options->system, strlen(options->system)}};
    messages[chat.count++] =
        (struct chat_message){CHAT_USER, {options->prompt, strlen(options->prompt)}};
    if (!chat_render(&prompt, format, &chat, err))
        return false;
    struct tokenizer_quotes quotes = {prompt.quotes, prompt.quote_count};
    bool ok = tokenizer_encode_quoting(tokenizer, tokens, text_span(&prompt.text), &quotes, err);
    chat_clear(&prompt);
    return ok;
}

static bool find_format(const struct chat_format **format, const struct tokenizer *tokenizer,
                        const struct run_options *options, struct err *err)
{
    *format = NULL;
    if (options->is_raw)
        return options->system == NULL ||
               err_set(err, ERR_INVALID, "a raw text has no system message");
    if (options->chat != NULL) {
        *format = chat_find_name(options->chat);
        return *format != NULL ||
               err_set(err, ERR_INVALID, "no format of chats is called '%.40s'", options->chat);
    }
    *format = chat_find(tokenizer->chat_template);
    return *format != NULL || options->system == NULL ||
           err_set(err, ERR_INVALID,
                   "the format of the model's chats is not known, so it has no "
                   "system message; see --chat");
}

static bool print(void *owner, struct span text)
{
    FILE *out = owner;
    return fwrite(text.at, 1, text.len, out) == text.len && fflush(out) == 0;
}

static void print_notes(FILE *notes, const struct generation *generation)
{
    double first = (double)generation->first_nanoseconds / 1e9;
    double rest = (double)generation->nanoseconds / 1e9;
    uint32_t after = generation->tokens - (generation->end != GENERATION_ENDED); /* the first */
    fprintf(notes, "prompt %u tokens, first token after %.3f s; answer %u tokens",
            generation->prompt_tokens, first, generation->tokens);
    if (rest > 0)
        fprintf(notes, ", %.1f tokens/s, weights read at %.2f GB/s", after / rest,
                (double)generation->weight_bytes / rest / 1e9);
    fprintf(notes, "\n");
}

static bool answer(const struct model *model, const struct tokenizer *tokenizer,
                   const struct run_options *options, FILE *out, FILE *notes, struct err *err)
{
    const struct chat_format *format;
    struct tokens tokens = {0};
    struct generation generation;
    uint32_t context = model->hyper.context < CONTEXT_MAX ? model->hyper.context : CONTEXT_MAX;
    if (options->context > 0)
        context = options->context < model->hyper.context ? options->context : model->hyper.context;
    struct exec_options shard = exec_options_whole(model, context);
    struct generation_call call = {.tokenizer = tokenizer,
                                   .vocabulary = model->hyper.vocabulary,
                                   .context = context,
                                   .rows_max = ROWS,
                                   .prompt = &tokens,
                                   .end_token = VOCABULARY_NONE,
                                   .tokens_max = options->tokens_max,
                                   .sampler = &options->sampler,
                                   .stops = options->stops,
                                   .stop_count = options->stop_count,
                                   .tell = print,
                                   .owner = out};
    struct span prompt = {options->prompt, strlen(options->prompt)};
    shard.rows_max = ROWS;
    shard.threads = options->threads;
    if (!find_format(&format, tokenizer, options, err))
        return false;
    if (format == NULL && !options->is_raw)
        fprintf(notes,
                "the format of the model's chats is not known: it goes on with the prompt\n");
    if (format != NULL && chat_end(format).len > 0)
        call.end_token = vocabulary_find_any(&tokenizer->vocabulary, chat_end(format));
    bool ok = format != NULL ? ask(&tokens, tokenizer, format, options, err)
                             : tokenizer_encode(tokenizer, &tokens, prompt, TOKENIZER_ENDS, err);
    ok = ok && exec_open(&call.exec, model, &shard, err);
    if (ok) {
        ok = generation_run(&generation, &call, err);
        if (ok && (!print(out, SPAN("\n")) || generation.end == GENERATION_LEFT))
            ok = err_set(err, ERR_INTERNAL, "cannot write the answer");
        if (ok)
            print_notes(notes, &generation);
        exec_close(call.exec);
    }
    tokens_clear(&tokens);
    return ok;
}

bool run_model(const struct run_options *options, FILE *out, FILE *notes, struct err *err)
{
    struct model model;
    struct tokenizer tokenizer;
    if (!model_open(&model, options->model, err))
        return false;
    bool ok = tokenizer_open(&tokenizer, &model, err);
    if (ok) {
        ok = answer(&model, &tokenizer, options, out, notes, err);
        tokenizer_close(&tokenizer);
    }
    model_close(&model);
    return ok;
}

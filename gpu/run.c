#include "gpu/run.h"

#include "gpu/exec.h"
#include "gpu/generation.h"
#include "gpu/model.h"
#include "gpu/prompt.h"
#include "shared/err.h"

enum { CONTEXT_MAX = 8192, ROWS = 256 };

/* The question as the chat's format has it. */
static bool ask(struct tokens *tokens, const struct tokenizer *tokenizer,
                const struct chat_format *format, const struct run_options *options,
                struct err *err)
{
    struct chat_message messages[2];
    struct chat chat = {.messages = messages};
    if (options->system != NULL)
        messages[chat.count++] =
            (struct chat_message){CHAT_SYSTEM, {options->system, strlen(options->system)}};
    messages[chat.count++] =
        (struct chat_message){CHAT_USER, {options->prompt, strlen(options->prompt)}};
    return prompt_add_chat(tokens, tokenizer, format, &chat, err);
}

static bool find_format(const struct chat_format **format, const struct tokenizer *tokenizer,
                        const struct run_options *options, struct err *err)
{
    *format = NULL;
    if (options->is_raw)
        return options->system == NULL ||
               err_set(err, ERR_INVALID, "a raw text has no system message");
    if (!prompt_find_format(format, tokenizer, options->chat, err))
        return false;
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
        fprintf(notes, ", %.1f tokens/s", after / rest);
    if (rest > 0 && generation->weight_bytes > 0)
        fprintf(notes, ", weights read at %.2f GB/s",
                (double)generation->weight_bytes / rest / 1e9);
    fprintf(notes, "\n");
}

static bool generate(struct generation *generation, const struct model *model,
                     struct generation_call *call, const struct run_options *options,
                     struct err *err)
{
    struct exec_options shard = exec_options_whole(model, call->context);
    shard.rows_max = ROWS;
    shard.threads = options->threads;
    shard.weights = options->weights;
    shard.card = options->card;
    if (options->generate != NULL)
        return options->generate(options->generator, generation, model, call, err);
    if (!exec_open(&call->exec, model, &shard, err))
        return false;
    bool ok = generation_run(generation, call, err);
    exec_close(call->exec);
    return ok;
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
    struct generation_call call = {.tokenizer = tokenizer,
                                   .vocabulary = model->hyper.vocabulary,
                                   .context = context,
                                   .rows_max = ROWS,
                                   .prompt = &tokens,
                                   .tokens_max = options->tokens_max,
                                   .sampler = &options->sampler,
                                   .stops = options->stops,
                                   .stop_count = options->stop_count,
                                   .tell = print,
                                   .owner = out};
    struct span prompt = {options->prompt, strlen(options->prompt)};
    if (!find_format(&format, tokenizer, options, err))
        return false;
    if (format == NULL && !options->is_raw)
        fprintf(notes,
                "the format of the model's chats is not known: it goes on with the prompt\n");
    call.end_token = prompt_end_token(format, tokenizer);
    bool ok = format != NULL ? ask(&tokens, tokenizer, format, options, err)
                             : tokenizer_encode(tokenizer, &tokens, prompt, TOKENIZER_ENDS, err);
    ok = ok && generate(&generation, model, &call, options, err);
    if (ok && (!print(out, SPAN("\n")) || generation.end == GENERATION_LEFT))
        ok = err_set(err, ERR_INTERNAL, "cannot write the answer");
    if (ok)
        print_notes(notes, &generation);
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

/* oracle MODEL COUNT TEXT: the text's tokens, and after them the likeliest COUNT times, each with
 * the likeliest and their log-probabilities, as JSON: for what compares these with others'. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/exec.h"
#include "gpu/model.h"
#include "gpu/scheduler.h"
#include "gpu/vocabulary.h"
#include "shared/err.h"

enum { LIKELY = 8, POSITIONS = 256 };

static void must(bool ok, const struct err *err)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(EXIT_FAILURE);
}

static bool on_piece(void *owner, const struct answer_piece *piece)
{
    bool *is_first = owner;
    if (!piece->has_token)
        return true;
    printf("%s{\"token\":%u,\"likely\":[", *is_first ? "" : ",", piece->token.token);
    *is_first = false;
    for (uint32_t i = 0; i < piece->likely_count; i++)
        printf("%s[%u,%.7g]", i == 0 ? "" : ",", piece->likely[i].token,
               (double)piece->likely[i].log_probability);
    printf("]}");
    return true;
}

static void on_end(void *owner, const struct scheduler_end *end)
{
    (void)owner;
    if (end->end == ANSWER_FAILED) {
        fprintf(stderr, "%s\n", end->why);
        exit(EXIT_FAILURE);
    }
}

static void answer(const struct model *model, const struct tokens *prompt, uint32_t count)
{
    struct exec *exec;
    struct scheduler *scheduler;
    struct err err = {0};
    uint64_t ticket;
    bool is_first = true;
    struct exec_options shard = exec_options_whole(model, POSITIONS);
    shard.kv_type = DTYPE_F32;
    shard.threads = 1;
    must(exec_open(&exec, model, &shard, &err), &err);
    struct scheduler_options options = scheduler_options_for(exec);
    must(scheduler_open(&scheduler, exec, NULL, &options, &err), &err);
    struct scheduler_job job = {.request = {.prompt = prompt->at,
                                            .prompt_count = (uint32_t)prompt->count,
                                            .tokens_max = count,
                                            .end_token = VOCABULARY_NONE,
                                            .sampler = sampler_options_greedy(),
                                            .likely = LIKELY,
                                            .tell = on_piece,
                                            .owner = &is_first},
                                .end = on_end};
    must(scheduler_submit(scheduler, &ticket, &job, &err), &err);
    scheduler_close(scheduler, true);
    exec_close(exec);
}

int main(int argc, char **argv)
{
    struct model model;
    struct tokenizer tokenizer;
    struct tokens tokens = {0};
    struct tokens prompt = {0};
    struct err err = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: oracle MODEL COUNT TEXT\n");
        return 2;
    }
    struct span text = {argv[3], strlen(argv[3])};
    must(model_open(&model, argv[1], &err), &err);
    must(tokenizer_open(&tokenizer, &model, &err), &err);
    must(tokenizer_encode(&tokenizer, &tokens, text, 0, &err), &err);
    must(tokenizer_encode(&tokenizer, &prompt, text, TOKENIZER_ENDS, &err), &err);
    printf("{\"text\":[");
    for (size_t i = 0; i < tokens.count; i++)
        printf("%s%u", i == 0 ? "" : ",", tokens.at[i]);
    printf("],\"prompt\":[");
    for (size_t i = 0; i < prompt.count; i++)
        printf("%s%u", i == 0 ? "" : ",", prompt.at[i]);
    printf("],\"answer\":[");
    if (prompt.count > 0)
        answer(&model, &prompt, (uint32_t)strtoul(argv[2], NULL, 10));
    printf("]}\n");
    tokens_clear(&tokens);
    tokens_clear(&prompt);
    tokenizer_close(&tokenizer);
    model_close(&model);
    return EXIT_SUCCESS;
}

/* main.c - the node's commands. */
#include <stdio.h>
#include <stdlib.h>

#include "gpu/audit.h"
#include "gpu/booth.h"
#include "gpu/command.h"
#include "gpu/inspect.h"
#include "gpu/machine.h"
#include "gpu/model.h"
#include "gpu/pipeline_run.h"
#include "gpu/plugin.h"
#include "gpu/root.h"
#include "gpu/service.h"
#include "gpu/tokenizer.h"
#include "shared/err.h"
#include "shared/text.h"

enum { EXIT_USAGE = 2 };

/* Where root hashes are kept; NULL when the user has no home. */
static const char *roots_folder(const struct command *command, char *folder, size_t size)
{
    const char *cache = getenv("XDG_CACHE_HOME"); // NOLINT(concurrency-mt-unsafe): no threads yet
    const char *home = getenv("HOME");            // NOLINT(concurrency-mt-unsafe)
    if (command->cache_dir != NULL)
        snprintf(folder, size, "%s/roots", command->cache_dir);
    else if (cache != NULL && cache[0] == '/')
        snprintf(folder, size, "%s/shoal/roots", cache);
    else if (home != NULL && home[0] == '/')
        snprintf(folder, size, "%s/.cache/shoal/roots", home);
    else
        return NULL;
    return folder;
}

static int write_out(struct text *text)
{
    bool ok = fwrite(text->at, 1, text->len, stdout) == text->len && fflush(stdout) == 0;
    text_clear(text);
    if (!ok)
        fprintf(stderr, "shoal-gpu: cannot write the answer\n");
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int inspect_model(const struct command *command)
{
    char folder[4096];
    struct model model;
    struct err err;
    struct err no_tokenizer;
    struct tokenizer tokenizer;
    struct bytes32 hash;
    struct text text = {0};
    struct machine machine = machine_read();
    struct inspect inspect = {.model = &model, .machine = &machine};
    if (!model_open(&model, command->run.model, &err)) {
        fprintf(stderr, "shoal-gpu: %s\n", err.text);
        return EXIT_FAILURE;
    }
    if (!command->skip_root) {
        struct root root;
        root_read(&root, &model, roots_folder(command, folder, sizeof folder));
        hash = root_whole(&root);
        inspect.root = &hash;
        root_clear(&root);
    }
    if (tokenizer_open(&tokenizer, &model, &no_tokenizer))
        inspect.tokenizer = &tokenizer;
    else
        inspect.no_tokenizer = no_tokenizer.text;
    (command->is_json ? inspect_write_json : inspect_write)(&text, &inspect);
    if (inspect.tokenizer != NULL)
        tokenizer_close(&tokenizer);
    model_close(&model);
    return write_out(&text);
}

static int end(bool ok, const struct err *err)
{
    if (!ok)
        fprintf(stderr, "shoal-gpu: %s\n", err->text);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The card that the model shall be computed on, if any. */
static bool find_card(const struct card **card, const struct command *command, struct err *err)
{
    struct plugin plugin;
    if (!plugin_open(&plugin, command->device, err))
        return false;
    if (plugin.why[0] != '\0')
        fprintf(stderr, "shoal-gpu: on the processor: %s\n", plugin.why);
    *card = plugin.card;
    return true;
}

static struct service_options service_of(const struct command *command, const struct card *card)
{
    return (struct service_options){.engine = {.model = command->run.model,
                                               .chat = command->run.chat,
                                               .context = command->run.context,
                                               .parallel = command->parallel,
                                               .waiting = command->waiting,
                                               .threads = command->run.threads,
                                               .weights = command->run.weights,
                                               .card = card},
                                    .backend = {.base = command->backend,
                                                .model = command->run.model,
                                                .silence_s = command->backend_silence_s},
                                    .backend_key_file = command->backend_key_file,
                                    .listen = command->listen,
                                    .name = command->name,
                                    .key_file = command->key_file,
                                    .market = command->market,
                                    .bank = command->mint.bank,
                                    .wallet = command->wallet,
                                    .sell = {.price = command->price, .url = command->mint_url}};
}

/* Some layers, for those who have the key, or for leads that find its offer. */
static bool serve_stage(const struct command *command, const struct outpost_options *stage,
                        struct err *err)
{
    const struct service_market_options *market = &command->market;
    const struct booth_options options = {.relays = market->relays,
                                          .relay_count = market->relay_count,
                                          .identity = market->identity,
                                          .model = stage->model,
                                          .name = command->name,
                                          .listen = stage->listen,
                                          .url = command->stage_url,
                                          .price = command->price,
                                          .device = stage->card != NULL ? "cuda" : "cpu",
                                          .weights = stage->weights};
    if (!market->announces)
        return outpost_run(stage, stdout, stderr, err);
    struct booth *booth = booth_open(&options, err);
    if (booth == NULL)
        return false;
    struct outpost_agent agent = booth_agent(booth);
    struct outpost_options offered = *stage;
    offered.agent = &agent;
    return outpost_run(&offered, stdout, stderr, err);
}

static int run(const struct command *command, const struct card *card)
{
    struct bench_options bench = {.model = command->run.model,
                                  .threads = command->run.threads,
                                  .weights = command->run.weights,
                                  .card = card,
                                  .stages = command->stages,
                                  .is_json = command->is_json};
    struct service_options service = service_of(command, card);
    struct run_options ask = command->run;
    struct outpost_options stage = command->stage;
    struct pipeline_run generator = {&stage, stderr};
    char folder[4096];
    struct err err;
    ask.card = card;
    stage.card = card;
    stage.model = command->run.model;
    stage.listen = command->listen;
    stage.roots = roots_folder(command, folder, sizeof folder);
    service.market.roots = stage.roots;
    stage.context = command->run.context;
    stage.sessions = command->parallel;
    stage.threads = command->run.threads;
    stage.weights = command->run.weights;
    bool is_front = stage.layers != NULL && strncmp(stage.layers, "0-", 2) == 0;
    if (is_front) /* a serve without next is told of it by the pipeline */
        service.engine.stage = &stage;
    if (stage.next != NULL) {
        ask.generate = pipeline_run_generate;
        ask.generator = &generator;
    }
    switch (command->kind) {
    case COMMAND_NONE:
    case COMMAND_AUDIT:
        break;
    case COMMAND_INSPECT:
        return inspect_model(command);
    case COMMAND_RUN:
        return end(run_model(&ask, stdout, stderr, &err), &err);
    case COMMAND_MINT:
        return end(treasury_run(&command->mint, stdout, &err), &err);
    case COMMAND_BENCH:
        return end(bench_model(&bench, stdout, &err), &err);
    case COMMAND_SERVE:
        return end(stage.layers != NULL && !is_front ? serve_stage(command, &stage, &err)
                                                     : service_run(&service, &err),
                   &err);
    }
    return EXIT_USAGE;
}

static int audit(const struct command *command)
{
    struct text text = {0};
    struct err err;
    bool is_sound = false;
    const struct audit_options options = {
        .database = command->database, .data = command->data, .is_json = command->is_json};
    if (!audit_run(&options, &text, &is_sound, &err))
        return end(false, &err);
    int status = write_out(&text);
    return is_sound ? status : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct command command;
    struct err err;
    if (!command_read(&command, argv + (argc > 0), &err)) {
        fprintf(stderr, "shoal-gpu: %s\ntry 'shoal-gpu --help'\n", err.text);
        return EXIT_USAGE;
    }
    if (command.is_help || command.is_version) {
        struct text text = {0};
        for (const char *const *part = command_usage; command.is_help && *part != NULL; part++)
            text_addf(&text, "%s", *part);
        if (!command.is_help)
            text_addf(&text, "shoal-gpu " SHOAL_VERSION "\n");
        return write_out(&text);
    }
    if (command.kind == COMMAND_AUDIT)
        return audit(&command);
    const struct card *card = NULL;
    bool computes =
        command.kind != COMMAND_INSPECT && command.kind != COMMAND_MINT && command.backend == NULL;
    if (computes && !find_card(&card, &command, &err))
        return end(false, &err);
    return run(&command, card);
}

/* main.c - the command line: which of the node's commands, on which model. */
#include <stdio.h>
#include <stdlib.h>

#include "gpu/inspect.h"
#include "gpu/machine.h"
#include "gpu/model.h"
#include "gpu/root.h"
#include "gpu/tokenizer.h"
#include "shared/err.h"
#include "shared/text.h"

enum { EXIT_USAGE = 2 };

struct command {
    const char *model;
    const char *cache_dir; /* NULL: in the user's */
    bool is_json, skip_root, is_help, is_version;
};

static const char usage[] =
    "shoal-gpu - a node that runs language models\n"
    "\n"
    "usage: shoal-gpu inspect [OPTION...] MODEL      say what a model is, and what fits here\n"
    "\n"
    "MODEL is a GGUF file, a safetensors file or its index with config.json beside it,\n"
    "or the folder of these. Families: llama (also Mistral, TinyLlama and the distills of\n"
    "DeepSeek-R1), qwen2, phi3, gemma2, gpt2.\n"
    "\n"
    "Options:\n"
    "  --json             as one JSON object\n"
    "  --no-root          do not hash the weights, which reads all of the model once\n"
    "  --cache-dir DIR    keep hashes there [$XDG_CACHE_HOME/shoal, or ~/.cache/shoal]\n"
    "  --version          say which version this is\n"
    "  --help             this\n"
    "\n"
    "Examples:\n"
    "  shoal-gpu inspect models/TinyLlama-1.1B-Chat-v1.0\n"
    "  shoal-gpu inspect --json --no-root llama-3.2-1b-q8_0.gguf\n";

static bool read_argument(struct command *command, char ***arguments, struct err *err)
{
    const char *argument = *(*arguments)++;
    if (strcmp(argument, "--help") == 0)
        command->is_help = true;
    else if (strcmp(argument, "--version") == 0)
        command->is_version = true;
    else if (strcmp(argument, "--json") == 0)
        command->is_json = true;
    else if (strcmp(argument, "--no-root") == 0)
        command->skip_root = true;
    else if (strncmp(argument, "--cache-dir=", 12) == 0)
        command->cache_dir = argument + 12;
    else if (strcmp(argument, "--cache-dir") == 0 && **arguments != NULL)
        command->cache_dir = *(*arguments)++;
    else if (strcmp(argument, "--cache-dir") == 0)
        return err_set(err, ERR_INVALID, "--cache-dir wants a folder");
    else if (strncmp(argument, "--", 2) == 0)
        return err_set(err, ERR_INVALID, "unknown option '%.40s'", argument);
    else if (command->model != NULL)
        return err_set(err, ERR_INVALID, "one model at a time: '%.40s' is one too many", argument);
    else
        command->model = argument;
    return true;
}

static bool read_arguments(struct command *command, char **arguments, struct err *err)
{
    bool has_command = *arguments != NULL && strcmp(*arguments, "inspect") == 0;
    bool is_option = *arguments != NULL && strncmp(*arguments, "--", 2) == 0;
    if (!has_command && !is_option && *arguments != NULL)
        return err_set(err, ERR_INVALID, "unknown command '%.40s'", *arguments);
    arguments += has_command;
    while (*arguments != NULL)
        if (!read_argument(command, &arguments, err))
            return false;
    if (command->is_help || command->is_version)
        return true;
    if (!has_command)
        return err_set(err, ERR_INVALID, "no command");
    return command->model != NULL || err_set(err, ERR_INVALID, "inspect wants a model");
}

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
    if (!model_open(&model, command->model, &err)) {
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

int main(int argc, char **argv)
{
    struct command command = {0};
    struct err err;
    if (!read_arguments(&command, argv + (argc > 0), &err)) {
        fprintf(stderr, "shoal-gpu: %s\ntry 'shoal-gpu --help'\n", err.text);
        return EXIT_USAGE;
    }
    if (command.is_help || command.is_version) {
        struct text text = {0};
        text_addf(&text, "%s", command.is_help ? usage : "shoal-gpu " SHOAL_VERSION "\n");
        return write_out(&text);
    }
    return inspect_model(&command);
}

#include "gpu/command.h"

#include <stdlib.h>

#include "shared/err.h"
#include "shared/number.h"

enum { PARALLEL_MAX = 64, WAITING_MAX = 4096, SILENCE_S_MAX = 3600 };

const char *const command_usage[] = {
    "shoal-gpu - a node that runs language models\n"
    "\n"
    "usage: shoal-gpu inspect [OPTION...] MODEL      say what a model is, and what fits here\n"
    "       shoal-gpu run [OPTION...] MODEL PROMPT   ask it, and stream its answer\n"
    "       shoal-gpu serve [OPTION...] MODEL        answer applications, by the APIs of OpenAI "
    "and "
    "Ollama\n"
    "       shoal-gpu bench [OPTION...] MODEL        how fast it is, beside what is possible here\n"
    "       shoal-gpu audit [OPTION...]              whether the node's credit adds up\n"
    "       shoal-gpu mint init [OPTION...] FILE     make the seed of a mint's keys\n"
    "       shoal-gpu mint rotate [OPTION...] FILE UNIT   sign a unit (ccr, ccr-promo) with new "
    "keys\n"
    "\n"
    "MODEL is a GGUF file, a safetensors file or its index with config.json beside it,\n"
    "or the folder of these. Families: llama (also Mistral, TinyLlama and the distills of\n"
    "DeepSeek-R1), qwen2, phi3, gemma2, gpt2.\n"
    "\n"
    "Options of inspect:\n"
    "  --json             as one JSON object; of bench and audit too\n"
    "  --no-root          do not hash the weights, which reads all of the model once\n"
    "  --cache-dir DIR    keep hashes there [$XDG_CACHE_HOME/shoal, or ~/.cache/shoal]\n"
    "\n"
    "Options of run:\n"
    "  --max-tokens N     end the answer after so many [256]\n"
    "  --system TEXT      what the model is told before the prompt\n"
    "  --raw              no chat: go on with the prompt as it is\n"
    "  --temperature X    0: always the likeliest token [0]\n"
    "  --top-k N          choose from the N likeliest [0: all]\n"
    "  --top-p X          choose from the likeliest that together have X [1: all]\n"
    "  --min-p X          choose from what has X of the likeliest one's probability [0: all]\n"
    "  --repeat-penalty X divide the logits of what was said already [1: do not]\n"
    "  --seed N           the same answer for the same seed [0]\n"
    "  --stop TEXT        end before this; up to 16 times\n"
    "\n"
    "Options of serve:\n"
    "  --listen HOST:PORT an IP address; port 0: the system chooses [127.0.0.1:8080]\n"
    "  --name NAME        what applications call the model [as its file or folder]\n"
    "  --api-key-file F   keys, one a line: only who has one is answered [anybody is]\n"
    "  --parallel N       answers at once, 1 to 64 [4]\n"
    "  --waiting N        requests that wait for their turn, 1 to 4096 [32]\n"
    "  --backend URL      ask another server: MODEL is what it calls the model. Ollama's API at\n"
    "                     http://HOST:PORT, OpenAI's at http://HOST:PORT/v1\n"
    "  --backend-key-file F  the key that it wants\n"
    "  --backend-silence S   seconds without a byte from it until it is tried again [60]\n"
    "\n",
    "Options of mint rotate, and of serve for a mint beside the model (Cashu, below /v1):\n"
    "  --mint FILE        of serve: the seed that its keys are made of, from shoal-gpu mint init\n"
    "  --mint-password-file F  its password is the first line; -: of standard input [asked for];\n"
    "                     of mint init, too\n"
    "  --mint-policy FILE JSON: how much is issued, granted and kept [as the README says]\n"
    "  --wallet-connect FILE  of serve: credit is bought, and pays, by Lightning: the connection\n"
    "                     string of a wallet service (NIP-47), in a file that its owner alone may\n"
    "                     read; -: on standard input; ask: typed [off]\n"
    "\n"
    "Options of serve, of a node with a mint that is paid for its answers:\n"
    "  --price P/O[/C[/R]] 0.01 credit for a million tokens of prompt, of output, of prompt that\n"
    "                     was known from before [as P], and for a request [0]: "
    "/v1/chat/completions\n"
    "                     and /v1/completions want a token then, X-Cashu, or an API key. Receipts\n"
    "                     are signed with --key\n"
    "  --mint-url URL     what tokens call the mint [where it listens]\n"
    "\n"
    "Options of serve, of a node that others find at relays:\n"
    "  --announce         tell there what this node has, and every 10 seconds that it is there\n"
    "  --relay URL        a relay, ws:// or wss://; up to 8 times\n"
    "  --key FILE         the node's own key, made by shoal identity new [as shoal's]\n"
    "  --password-file F  its password is the first line; -: of standard input [asked for]\n"
    "\n"
    "Options of run and serve, of a model in several processes:\n"
    "  --layers A-B       the layers that run here [all]: run, and who answers applications,\n"
    "                     have the first ones; serve with others answers other stages\n"
    "  --next URL,URL     who goes on with what follows: ws://HOST:PORT, and its replicas\n"
    "  --lead             of serve: instead of --next, those who go on are found by their offers\n"
    "                     at --relay, chosen, and replaced when they are lost\n"
    "  --wire TYPE        how rows are sent there: f32, f16, bf16, i8 [f16]\n"
    "  --stage-key-file F 64 hexadecimal digits that all stages have: without them, a stage is\n"
    "                     called from its own machine alone. With --announce, other layers than\n"
    "                     the first ones are offered to leads, --price being what they want\n"
    "  --stage-url URL    of those: ws://HOST:PORT, where leads reach them [where it listens]\n"
    "\n"
    "Options of run and serve:\n"
    "  --context N        positions of prompt and answer together [the model's, to 8192]\n"
    "  --chat FORMAT      the format of its chats [by the hash of its template]\n"
    "\n"
    "Options of bench:\n"
    "  --stages N         also how long each of N stages takes for a token and for a prompt\n"
    "\n"
    "Options of audit, mint rotate and serve --mint, which want one of these two:\n"
    "  --database CONN    the PostgreSQL that the node's credit is in, as libpq is told it\n"
    "  --data DIR         the node's data folder, which has a PostgreSQL of its own\n"
    "\n"
    "Options of run, serve and bench:\n"
    "  --threads N        run on so many [0: as many as there are cores]\n"
    "  --device WHERE     cpu, cuda, or auto: on a card if it can be used [auto]\n"
    "  --weights TYPE     make matrices q8 or q4 as they are read, for less memory [stored]\n"
    "\n"
    "  --version          say which version this is\n"
    "  --help             this\n"
    "\n"
    "Examples:\n"
    "  shoal-gpu inspect models/TinyLlama-1.1B-Chat-v1.0\n"
    "  shoal-gpu inspect --json --no-root llama-3.2-1b-q8_0.gguf\n"
    "  shoal-gpu run --temperature 0.7 --seed 3 models/TinyLlama-1.1B-Chat-v1.0 'What is a "
    "relay?'\n"
    "  shoal-gpu serve --listen 127.0.0.1:8080 models/TinyLlama-1.1B-Chat-v1.0\n"
    "  shoal-gpu serve --backend http://127.0.0.1:11434 llama3.2\n"
    "  shoal-gpu audit --database 'host=/run/postgresql dbname=shoal'\n",
    NULL};

enum option_type {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_COUNT,
    OPTION_REAL,
    OPTION_SEED,
    OPTION_STOP,
    OPTION_RELAY,
    OPTION_WEIGHTS
};

struct option {
    const char *name;
    unsigned commands; /* whose it is: bits of command_kind */
    enum option_type type;
    size_t offset;
    const char *wants;
};

enum {
    OF_INSPECT = 1 << COMMAND_INSPECT,
    OF_RUN = 1 << COMMAND_RUN,
    OF_BENCH = 1 << COMMAND_BENCH,
    OF_SERVE = 1 << COMMAND_SERVE,
    OF_AUDIT = 1 << COMMAND_AUDIT,
    OF_MINT = 1 << COMMAND_MINT,
    OF_ALL = 1 << COMMAND_NONE | OF_INSPECT | OF_RUN | OF_BENCH | OF_SERVE | OF_AUDIT | OF_MINT
};

#define AT(member) offsetof(struct command, member)
static const struct option options[] = {
    {"help", OF_ALL, OPTION_FLAG, AT(is_help), ""},
    {"version", OF_ALL, OPTION_FLAG, AT(is_version), ""},
    {"json", OF_INSPECT | OF_BENCH | OF_AUDIT, OPTION_FLAG, AT(is_json), ""},
    {"database", OF_AUDIT | OF_SERVE | OF_MINT, OPTION_TEXT, AT(database), "a connection string"},
    {"data", OF_AUDIT | OF_SERVE | OF_MINT, OPTION_TEXT, AT(data), "a folder"},
    {"no-root", OF_INSPECT, OPTION_FLAG, AT(skip_root), ""},
    {"cache-dir", OF_INSPECT, OPTION_TEXT, AT(cache_dir), "a folder"},
    {"max-tokens", OF_RUN, OPTION_COUNT, AT(run.tokens_max), "a number of tokens"},
    {"context", OF_RUN | OF_SERVE, OPTION_COUNT, AT(run.context), "a number of positions"},
    {"system", OF_RUN, OPTION_TEXT, AT(run.system), "a text"},
    {"chat", OF_RUN | OF_SERVE, OPTION_TEXT, AT(run.chat), "the name of a format"},
    {"raw", OF_RUN, OPTION_FLAG, AT(run.is_raw), ""},
    {"temperature", OF_RUN, OPTION_REAL, AT(run.sampler.temperature), "a number"},
    {"top-k", OF_RUN, OPTION_COUNT, AT(run.sampler.top_k), "a number of tokens"},
    {"top-p", OF_RUN, OPTION_REAL, AT(run.sampler.top_p), "a number"},
    {"min-p", OF_RUN, OPTION_REAL, AT(run.sampler.min_p), "a number"},
    {"repeat-penalty", OF_RUN, OPTION_REAL, AT(run.sampler.repetition), "a number"},
    {"seed", OF_RUN, OPTION_SEED, AT(run.sampler.seed), "a number"},
    {"threads", OF_RUN | OF_SERVE | OF_BENCH, OPTION_COUNT, AT(run.threads), "a number of threads"},
    {"listen", OF_SERVE, OPTION_TEXT, AT(listen), "HOST:PORT"},
    {"name", OF_SERVE, OPTION_TEXT, AT(name), "a name"},
    {"api-key-file", OF_SERVE, OPTION_TEXT, AT(key_file), "a file"},
    {"layers", OF_RUN | OF_SERVE, OPTION_TEXT, AT(stage.layers), "FIRST-LAST"},
    {"next", OF_RUN | OF_SERVE, OPTION_TEXT, AT(stage.next), "ws://HOST:PORT, or several"},
    {"stage-key-file", OF_RUN | OF_SERVE, OPTION_TEXT, AT(stage.key_file), "a file"},
    {"lead", OF_SERVE, OPTION_FLAG, AT(stage.is_lead), ""},
    {"stage-url", OF_SERVE, OPTION_TEXT, AT(stage_url), "ws://HOST:PORT"},
    {"wire", OF_RUN | OF_SERVE, OPTION_TEXT, AT(stage.wire), "f32, f16, bf16 or i8"},
    {"backend", OF_SERVE, OPTION_TEXT, AT(backend), "a URL"},
    {"backend-key-file", OF_SERVE, OPTION_TEXT, AT(backend_key_file), "a file"},
    {"backend-silence", OF_SERVE, OPTION_COUNT, AT(backend_silence_s), "a number of seconds"},
    {"stages", OF_BENCH, OPTION_COUNT, AT(stages), "a number of stages"},
    {"parallel", OF_SERVE, OPTION_COUNT, AT(parallel), "a number of answers"},
    {"waiting", OF_SERVE, OPTION_COUNT, AT(waiting), "a number of requests"},
    {"announce", OF_SERVE, OPTION_FLAG, AT(market.announces), ""},
    {"relay", OF_SERVE, OPTION_RELAY, 0, "ws:// or wss://, at most 8 times"},
    {"key", OF_SERVE, OPTION_TEXT, AT(market.identity.key_file), "a file"},
    {"password-file", OF_SERVE, OPTION_TEXT, AT(market.identity.password_file), "a file"},
    {"device", OF_RUN | OF_SERVE | OF_BENCH, OPTION_TEXT, AT(device), "cpu, cuda or auto"},
    {"weights", OF_RUN | OF_SERVE | OF_BENCH, OPTION_WEIGHTS, AT(run.weights), "q8, q4 or stored"},
    {"mint", OF_SERVE, OPTION_TEXT, AT(mint.bank.seed.file), "a file"},
    {"wallet-connect", OF_SERVE, OPTION_TEXT, AT(wallet), "a file"},
    {"mint-url", OF_SERVE, OPTION_TEXT, AT(mint_url), "an address"},
    {"price", OF_SERVE, OPTION_TEXT, AT(price), "PROMPT/OUTPUT[/CACHED[/REQUEST]]"},
    {"mint-password-file", OF_SERVE | OF_MINT, OPTION_TEXT, AT(mint.bank.seed.password_file),
     "a file"},
    {"mint-policy", OF_SERVE | OF_MINT, OPTION_TEXT, AT(mint.bank.policy_file), "a file"},
    {"stop", OF_RUN, OPTION_STOP, 0, "a text, at most 16 times"},
};
#undef AT

static bool read_weights(enum dtype_made *made, struct span text)
{
    static const char *const names[] = {
        [DTYPE_AS_STORED] = "stored", [DTYPE_AS_Q8] = "q8", [DTYPE_AS_Q4] = "q4"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(text.at, names[i]) == 0) {
            *made = (enum dtype_made)i;
            return true;
        }
    return false;
}

static bool read_value(struct command *command, const struct option *option, const char *value)
{
    char *at = (char *)command + option->offset;
    struct span text = {value, strlen(value)};
    int64_t number = 0;
    char *end;
    switch (option->type) {
    case OPTION_FLAG:
        return false;
    case OPTION_TEXT:
        memcpy(at, &value, sizeof value);
        return true;
    case OPTION_COUNT:
        if (!number_decimal(&number, text) || number > INT32_MAX)
            return false;
        memcpy(at, &(uint32_t){(uint32_t)number}, sizeof(uint32_t));
        return true;
    case OPTION_REAL:
        memcpy(at, &(float){strtof(value, &end)}, sizeof(float));
        return end != value && *end == '\0';
    case OPTION_SEED:
        if (!number_decimal(&number, text))
            return false;
        for (size_t i = 0; i < 8; i++)
            at[i] = (char)(number >> 8 * i);
        return true;
    case OPTION_WEIGHTS:
        return read_weights(&command->run.weights, text);
    case OPTION_STOP:
        if (text.len == 0 || command->run.stop_count == STOPPER_STRINGS_MAX)
            return false;
        command->run.stops[command->run.stop_count++] = text;
        return true;
    case OPTION_RELAY:
        if (command->market.relay_count == POST_RELAYS_MAX)
            return false;
        command->market.relays[command->market.relay_count++] = value;
        return true;
    }
    return false;
}

/* The option of that name; value is what follows its '=', or NULL. */
static const struct option *find(const char *argument, const char **value)
{
    size_t len = strcspn(argument, "=");
    *value = argument[len] == '=' ? argument + len + 1 : NULL;
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, argument, len) == 0)
            return options + i;
    return NULL;
}

static bool read_option(struct command *command, char ***arguments, struct err *err)
{
    const char *argument = *(*arguments)++;
    const char *value;
    const struct option *option = find(argument + 2, &value);
    if (option == NULL || (option->type == OPTION_FLAG && value != NULL) ||
        (option->commands & 1U << command->kind) == 0)
        return err_set(err, ERR_INVALID, "unknown option '%.40s'", argument);
    if (option->type == OPTION_FLAG) {
        memcpy((char *)command + option->offset, &(bool){true}, sizeof(bool));
        return true;
    }
    if (value == NULL && **arguments != NULL)
        value = *(*arguments)++;
    if (value == NULL || !read_value(command, option, value))
        return err_set(err, ERR_INVALID, "--%s wants %s", option->name, option->wants);
    return true;
}

static bool read_mint(struct treasury_options *mint, const char *argument, struct err *err)
{
    const char **const places[] = {&mint->action, &mint->bank.seed.file, &mint->unit};
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (*places[i] == NULL) {
            *places[i] = argument;
            return true;
        }
    return err_set(err, ERR_INVALID, "'%.40s' is one too many", argument);
}

static bool read_argument(struct command *command, char ***arguments, struct err *err)
{
    struct run_options *run = &command->run;
    if (strncmp(**arguments, "--", 2) == 0)
        return read_option(command, arguments, err);
    const char *argument = *(*arguments)++;
    if (command->kind == COMMAND_MINT)
        return read_mint(&command->mint, argument, err);
    if (run->model == NULL)
        run->model = argument;
    else if (command->kind == COMMAND_RUN && run->prompt == NULL)
        run->prompt = argument;
    else if (command->kind == COMMAND_RUN)
        return err_set(err, ERR_INVALID, "one prompt at a time: put it in quotes");
    else
        return err_set(err, ERR_INVALID, "one model at a time: '%.40s' is one too many", argument);
    return true;
}

static bool check_database(const struct command *command, const char *who, struct err *err)
{
    return (command->database == NULL) != (command->data == NULL) ||
           err_set(err, ERR_INVALID, "%s wants --database or --data", who);
}

static bool check_audit(const struct command *command, struct err *err)
{
    if (command->run.model != NULL)
        return err_set(err, ERR_INVALID, "audit is not about a model");
    return check_database(command, "audit", err);
}

static bool check_lead(const struct command *command, bool is_front, struct err *err)
{
    const struct outpost_options *stage = &command->stage;
    if (stage->is_lead && !is_front)
        return err_set(err, ERR_INVALID,
                       "--lead wants --layers 0-N, the first ones, that run here");
    if (stage->is_lead && stage->next != NULL)
        return err_set(err, ERR_INVALID, "--lead finds who goes on: without --next");
    if (stage->is_lead && command->market.relay_count == 0)
        return err_set(err, ERR_INVALID, "--lead wants --relay, where stages are offered");
    return !is_front || stage->next != NULL || stage->is_lead ||
           err_set(err, ERR_INVALID, "--layers wants --next, where the others run");
}

bool command_read(struct command *command, char **arguments, struct err *err)
{
    static const char *const names[] = {
        [COMMAND_NONE] = "",       [COMMAND_INSPECT] = "inspect", [COMMAND_RUN] = "run",
        [COMMAND_BENCH] = "bench", [COMMAND_SERVE] = "serve",     [COMMAND_AUDIT] = "audit",
        [COMMAND_MINT] = "mint"};
    *command = (struct command){.run = {.tokens_max = 256, .sampler = sampler_options_greedy()},
                                .listen = "127.0.0.1:8080",
                                .parallel = 4,
                                .stage = {.wire = "f16"},
                                .waiting = 32,
                                .backend_silence_s = 60};
    for (enum command_kind kind = COMMAND_INSPECT; kind <= COMMAND_MINT; kind++)
        if (*arguments != NULL && strcmp(*arguments, names[kind]) == 0)
            command->kind = kind;
    if (command->kind == COMMAND_NONE && *arguments != NULL && strncmp(*arguments, "--", 2) != 0)
        return err_set(err, ERR_INVALID, "unknown command '%.40s'", *arguments);
    arguments += command->kind != COMMAND_NONE;
    while (*arguments != NULL)
        if (!read_argument(command, &arguments, err))
            return false;
    if (command->is_help || command->is_version)
        return true;
    if (command->kind == COMMAND_NONE)
        return err_set(err, ERR_INVALID, "no command");
    if (command->kind == COMMAND_AUDIT)
        return check_audit(command, err);
    command->mint.bank.database = command->database;
    command->mint.bank.data = command->data;
    if (command->kind == COMMAND_MINT)
        return true; /* what it wants, its actions say */
    if (command->mint.bank.seed.file != NULL && !check_database(command, "--mint", err))
        return false;
    if (command->run.model == NULL)
        return err_set(err, ERR_INVALID, "%s wants a model", names[command->kind]);
    if (command->stage.next != NULL && command->stage.layers == NULL)
        return err_set(err, ERR_INVALID, "--next wants --layers, those that run here");
    bool is_front = command->stage.layers != NULL &&
                    (command->kind == COMMAND_RUN || strncmp(command->stage.layers, "0-", 2) == 0);
    if (!check_lead(command, is_front, err))
        return false;
    if (command->market.announces && command->market.relay_count == 0)
        return err_set(err, ERR_INVALID, "--announce wants --relay, where others look");
    if (command->market.announces && command->backend != NULL)
        return err_set(err, ERR_INVALID,
                       "--announce is of a model that runs here: of a backend's nobody knows what "
                       "it is");
    if (command->parallel < 1 || command->parallel > PARALLEL_MAX)
        return err_set(err, ERR_INVALID, "--parallel is 1 to %d", PARALLEL_MAX);
    if (command->waiting < 1 || command->waiting > WAITING_MAX)
        return err_set(err, ERR_INVALID, "--waiting is 1 to %d", WAITING_MAX);
    if (command->backend_silence_s < 1 || command->backend_silence_s > SILENCE_S_MAX)
        return err_set(err, ERR_INVALID, "--backend-silence is 1 to %d", SILENCE_S_MAX);
    return command->kind != COMMAND_RUN || command->run.prompt != NULL ||
           err_set(err, ERR_INVALID, "run wants a prompt");
}

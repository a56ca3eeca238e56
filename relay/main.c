/* main.c - the command line: which of the relay's programs, with which settings. */
#include <errno.h>
#include <libpq-fe.h>
#include <libwebsockets.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "relay/config.h"
#include "relay/config_tls.h"
#include "relay/drop.h"
#include "relay/log.h"
#include "relay/operator.h"
#include "relay/reshard.h"
#include "relay/router.h"
#include "relay/supervisor.h"
#include "relay/takeover.h"
#include "relay/transfer.h"
#include "shared/err.h"
#include "shared/text.h"

enum { EXIT_USAGE = 2 };

enum action {
    RUN,
    IMPORT,
    EXPORT,
    SYNC,
    ROUTER,
    SHARD,
    ADMIN,
    HELP,
    VERSION,
    CHECK_CONFIG,
    PRINT_CONFIG
};

static const char usage[] =
    "shoal-relay - a Nostr relay on PostgreSQL\n"
    "\n"
    "usage: shoal-relay [run] [OPTION...]              serve, until SIGTERM or Ctrl-C;\n"
    "                                                  SIGHUP reloads all, without a gap\n"
    "       shoal-relay import [OPTION...] < FILE      store events, one a line\n"
    "       shoal-relay export [OPTION...] [FILTER]    write events, one a line\n"
    "       shoal-relay sync [OPTION...] URL [FILTER]  make two relays equal\n"
    "       shoal-relay router [OPTION...] FILE        keep up streams with other relays;\n"
    "                                                  SIGHUP reads FILE and keys again\n"
    "       shoal-relay shard [OPTION...] COMMAND      list, add and fill databases\n"
    "       shoal-relay admin [OPTION...] METHOD [ARGUMENT...]\n"
    "                                                  manage a relay (NIP-86)\n"
    "\n"
    "Without a database it runs a PostgreSQL of its own in its data folder.\n"
    "\n"
    "Options:\n"
    "  --config FILE                   settings [" CONFIG_PATH ", if it is there]\n"
    "  --check-config                  say whether the settings are valid\n"
    "  --print-config                  write the settings, commented, as a file\n"
    "  --version                       say which version this is\n"
    "  --help, -h                      this\n"
    "\n"
    "import:\n"
    "  --no-verify                     trust ids and signatures\n"
    "  --skip-lines N                  leave out the first N lines: to resume\n"
    "\n"
    "export:\n"
    "  FILTER                          NIP-01 filter, as JSON [{}: everything]\n"
    "  --after TIME:ID                 leave out what is newer: to resume\n"
    "\n"
    "sync:\n"
    "  URL                             of the other relay: ws:// or wss://\n"
    "  FILTER                          NIP-01 filter, as JSON [{}: everything]\n"
    "  --down                          fetch what is missing here\n"
    "  --up                            send what is missing there\n"
    "  --both                          both [what it does unless told]\n"
    "  --json                          say what was done as JSON, on stdout\n"
    "\n"
    "shard:\n"
    "  list                            the shards, and how much each has\n"
    "  add CONNINFO [SCHEMA]           one more; CONNINFO '': in the same database\n"
    "  read SHARD CONNINFO             read it from these standbys, from the next\n"
    "                                  start on; CONNINFO '': from none\n"
    "  balance                         as many authors to each shard\n"
    "  move FIRST[-LAST] SHARD         these of the 1024 buckets of authors\n"
    "  --grace S                       wait before deleting what was moved [15]\n"
    "\n"
    "admin:\n"
    "  METHOD                          banpubkey, listbannedpubkeys, blockip, ...;\n"
    "                                  supportedmethods names them all; link prints\n"
    "                                  a URL that signs in to the console, once\n"
    "  --url URL                       the relay [public_url, or where it listens]\n"
    "  --key-file FILE                 your secret key, nsec or hex, for your eyes\n"
    "                                  only (chmod 600) [$" OPERATOR_KEY_FILE ",\n"
    "                                  else a line of stdin]\n"
    "  --json                          the result as it came\n"
    "\n"
    "Settings come from the file (listen_port = 7777), the environment\n"
    "(SHOAL_RELAY_LISTEN_PORT=7777) and the command line (--listen-port=7777 or\n"
    "--listen-port 7777). The command line wins over the environment, which wins\n"
    "over the file. Sizes are in bytes, times in seconds (_s).\n"
    "\n";

static const char examples[] =
    "\n"
    "Examples:\n"
    "  shoal-relay --listen-address 0.0.0.0 --name 'My relay'\n"
    "  shoal-relay --database 'host=db.example dbname=shoal' --processes 0\n"
    "  shoal-relay export '{\"kinds\":[0,3],\"since\":1700000000}' > people.jsonl\n"
    "  shoal-relay import < people.jsonl\n"
    "  shoal-relay sync wss://relay.example '{\"kinds\":[0,3]}' --down\n"
    "  shoal-relay admin --key-file ~/.nostr/key banpubkey npub1... 'sells pills'\n";

static int print_help(void)
{
    struct text options = {0};
    config_write_help(&options);
    printf("%s%.*s%s", usage, (int)options.len, options.at, examples);
    text_clear(&options);
    return EXIT_SUCCESS;
}

static int print_version(void)
{
    int libpq = PQlibVersion();
    printf("shoal-relay " SHOAL_VERSION "\nlibpq %d.%d\nlibwebsockets %s\nlibuv %s\n",
           libpq / 10000, libpq % 10000, lws_get_library_version(), uv_version_string());
    return EXIT_SUCCESS;
}

static int print_config(const struct config *config)
{
    struct text text = {0};
    config_write(&text, config);
    fwrite(text.at, 1, text.len, stdout);
    text_clear(&text);
    return EXIT_SUCCESS;
}

struct setting {
    const char *name, *value;
};

/* What the arguments say. settings has room for as many as there are arguments. */
struct command {
    enum action action;
    const char *config_path; /* NULL: the usual one */
    struct transfer_import import;
    struct transfer_export export;
    struct transfer_sync sync;
    const char *router_path;
    struct reshard shard;
    struct operator_setup asked;
    struct setting *settings;
    size_t setting_count;
    const char *words[5]; /* of shard */
    size_t word_count;
};

/* Whether it is an option that has a value, wherever. */
static bool is_known(const char *name, struct err *err)
{
    static const char *const ours[] = {"--config", "--skip-lines", "--grace",
                                       "--after",  "--url",        "--key-file"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return config_has(name, err);
}

/* Takes "--name=value" or "--name" "value" from *arguments. */
static bool take_value(struct setting *out, char name[], size_t size, char ***arguments,
                       struct err *err)
{
    const char *argument = *(*arguments)++;
    size_t len = strcspn(argument, "=");
    snprintf(name, size, "%.*s", (int)len, argument);
    out->name = argument;
    if (argument[len] == '=') {
        out->value = argument + len + 1;
        return true;
    }
    if (**arguments == NULL)
        return is_known(name, err) &&
               err_set(err, ERR_INVALID, "%.60s: expected a value", argument);
    out->value = *(*arguments)++;
    return true;
}

static bool read_count(int64_t *out, const struct setting *setting, struct err *err)
{
    char *end;
    errno = 0;
    *out = strtoll(setting->value, &end, 10);
    if (errno != 0 || *end != '\0' || end == setting->value || *out < 0)
        return err_set(err, ERR_INVALID, "%.*s: expected a number, got '%.40s'",
                       (int)strcspn(setting->name, "="), setting->name, setting->value);
    return true;
}

/* A flag that has a value: one of ours, or a setting. */
static bool read_option(struct command *command, char ***arguments, struct err *err)
{
    struct setting setting;
    char name[80];
    if (!take_value(&setting, name, sizeof name, arguments, err))
        return false;
    if (strcmp(name, "--config") == 0)
        command->config_path = setting.value;
    else if (strcmp(name, "--skip-lines") == 0 && command->action == IMPORT)
        return read_count(&command->import.skip_lines, &setting, err);
    else if (strcmp(name, "--grace") == 0 && command->action == SHARD)
        return read_count(&command->shard.grace_s, &setting, err);
    else if (strcmp(name, "--after") == 0 && command->action == EXPORT)
        command->export.after = setting.value;
    else if (strcmp(name, "--url") == 0 && command->action == ADMIN)
        command->asked.url = setting.value;
    else if (strcmp(name, "--key-file") == 0 && command->action == ADMIN)
        command->asked.key_path = setting.value;
    else
        command->settings[command->setting_count++] = setting;
    return true;
}

static bool read_sync_flag(struct transfer_sync *sync, const char *flag)
{
    bool is_both = strcmp(flag, "--both") == 0;
    bool is_down = strcmp(flag, "--down") == 0, is_up = strcmp(flag, "--up") == 0;
    bool is_json = strcmp(flag, "--json") == 0;
    sync->down = sync->down || is_both || is_down;
    sync->up = sync->up || is_both || is_up;
    sync->json = sync->json || is_json;
    return is_both || is_down || is_up || is_json;
}

static bool read_word(struct command *command, const char *word, struct err *err)
{
    struct operator_setup *asked = &command->asked;
    if (command->action == EXPORT && command->export.filter == NULL)
        command->export.filter = word;
    else if (command->action == SYNC && command->sync.url == NULL)
        command->sync.url = word;
    else if (command->action == SYNC && command->sync.filter == NULL)
        command->sync.filter = word;
    else if (command->action == ROUTER && command->router_path == NULL)
        command->router_path = word;
    else if (command->action == SHARD && command->word_count + 1 < ARRAY_LEN(command->words))
        command->words[command->word_count++] = word;
    else if (command->action == ADMIN && asked->word_count < OPERATOR_WORDS_MAX)
        asked->words[asked->word_count++] = word;
    else
        return err_set(err, ERR_INVALID, "unexpected argument '%.40s'", word);
    return true;
}

static bool read_argument(struct command *command, char ***arguments, struct err *err)
{
    const char *argument = **arguments;
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
        command->action = HELP;
    else if (strncmp(argument, "--", 2) != 0) {
        if (!read_word(command, argument, err))
            return false;
    } else if (strcmp(argument, "--version") == 0)
        command->action = VERSION;
    else if (strcmp(argument, "--check-config") == 0)
        command->action = CHECK_CONFIG;
    else if (strcmp(argument, "--print-config") == 0)
        command->action = PRINT_CONFIG;
    else if (strcmp(argument, "--no-verify") == 0 && command->action == IMPORT)
        command->import.skip_verify = true;
    else if (command->action == SYNC && read_sync_flag(&command->sync, argument))
        ; /* it is noted */
    else if (strcmp(argument, "--json") == 0 && command->action == ADMIN)
        command->asked.is_json = true;
    else
        return read_option(command, arguments, err);
    (*arguments)++;
    return true;
}

static bool read_arguments(struct command *command, char **arguments, struct err *err)
{
    static const char *const names[] = {
        [RUN] = "run",       [IMPORT] = "import", [EXPORT] = "export", [SYNC] = "sync",
        [ROUTER] = "router", [SHARD] = "shard",   [ADMIN] = "admin",
    };
    for (size_t i = 0; *arguments != NULL && i < ARRAY_LEN(names); i++)
        if (strcmp(*arguments, names[i]) == 0) {
            command->action = (enum action)i;
            arguments++;
            break;
        }
    while (*arguments != NULL)
        if (!read_argument(command, &arguments, err))
            return false;
    return true;
}

static bool read_settings(struct config *config, const struct command *command, struct err *err)
{
    if (!config_load(config, command->config_path, err))
        return false;
    for (size_t i = 0; i < command->setting_count; i++) {
        char name[80];
        const struct setting *setting = &command->settings[i];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(setting->name, "="), setting->name);
        if (!config_set(config, name, setting->value, err))
            return false;
    }
    return true;
}

static int refuse(const struct err *err)
{
    fprintf(stderr, "shoal-relay: %s\ntry 'shoal-relay --help'\n", err->text);
    return EXIT_USAGE;
}

static int check_config(const struct config *config, const struct err *read)
{
    struct drop drop;
    struct err err;
    if (read == NULL && config_check(config, &err) && config_check_tls(config, &err) &&
        drop_find(&drop, config->user, &err) && takeover_check(config, &err)) {
        puts("configuration is valid");
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "shoal-relay: %s\n", read != NULL ? read->text : err.text);
    return EXIT_FAILURE;
}

/* The path of what runs, which may be replaced later by what is to run then. */
static const char *program_path(char *const *arguments)
{
    static char path[PATH_MAX];
    if (arguments[0] != NULL && strchr(arguments[0], '/') != NULL)
        return arguments[0];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return path;
}

static int act(const struct command *command, char *const *arguments)
{
    static struct config config;
    struct err err;
    if (command->action == HELP)
        return print_help();
    if (command->action == VERSION)
        return print_version();
    bool read = read_settings(&config, command, &err);
    if (command->action == CHECK_CONFIG)
        return check_config(&config, read ? NULL : &err);
    if (!read)
        return refuse(&err);
    if (command->action == PRINT_CONFIG)
        return print_config(&config);
    if (!config_check(&config, &err))
        return refuse(&err);

    /* who imports or exports wants to know how that goes, not how a database starts */
    bool is_transfer = command->action >= IMPORT && command->action <= SHARD;
    log_open(is_transfer && config.log_level == LOG_LEVEL_INFO ? LOG_LEVEL_WARNING
                                                               : (enum log_level)config.log_level);
    if (command->action == IMPORT)
        return transfer_import(&config, &command->import);
    if (command->action == EXPORT)
        return transfer_export(&config, &command->export);
    if (command->action == SHARD)
        return reshard_run(&config, &command->shard);
    if (command->action == SYNC)
        return transfer_sync(&config, &command->sync);
    if (command->action == ROUTER)
        return router_run(&config, command->router_path);
    if (command->action == ADMIN)
        return operator_run(&config, &command->asked);
    return supervisor_run(&config, program_path(arguments), arguments);
}

int main(int argc, char **argv)
{
    enum { GRACE_S = 15 }; /* more than a page takes */
    struct command command = {.action = RUN, .shard.grace_s = GRACE_S};
    struct err err;
    command.shard.words = command.words;
    command.settings = calloc((size_t)argc + 1, sizeof *command.settings);
    if (command.settings == NULL)
        abort();
    bool read = read_arguments(&command, argv + (argc > 0), &err);
    int status = read ? act(&command, argv) : refuse(&err);
    free(command.settings);
    return status;
}

#include "relay/config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/option.h"
#include "shared/err.h"
#include "shared/text.h"

/* The schema also names the channel shoal_<schema>_live, and PostgreSQL cuts names at 63 bytes. */
enum { SCHEMA_CHARS_MAX = 52, MILLION = 1000000, GIB = 1 << 30 };

#define RETENTION_S_MAX INT64_C(100000000000)

#define AGE_S_MAX INT64_C(1000000000000000) /* for ever, and yet no sum overflows */

#define NETWORK "Network"
#define ACCESS "What is accepted"
#define LIMITS "Limits"
#define DATABASE "Database"
#define PROCESS "Process"
#define ABOUT "About this relay (NIP-11)"

static const char *const groups[] = {NETWORK, ACCESS, LIMITS, DATABASE, PROCESS, ABOUT};

#define FIELD(field) offsetof(struct config, field), sizeof(((struct config *)NULL)->field)
#define BOOL(field, group) #field, group, OPTION_BOOL, FIELD(field), 0, 0
#define INTEGER(field, group, min, max) #field, group, OPTION_INTEGER, FIELD(field), min, max
#define LEVEL(field, group) #field, group, OPTION_LEVEL, FIELD(field), 0, 0
#define TEXT(field, group) #field, group, OPTION_TEXT, FIELD(field), 0, 0
#define WORD(field, group, max) #field, group, OPTION_WORD, FIELD(field), 1, max

/* Alphabetical: this is the order of the file. */
static const struct option table[] = {
    {TEXT(admin_pubkeys, ACCESS), "",
     "who may manage the relay (NIP-86), in hex or npub, separated by spaces; empty: nobody"},
    {BOOL(auth_required, ACCESS), "no", "nothing is read or written without NIP-42 authentication"},
    {TEXT(banner, ABOUT), "", "URL of a wide picture"},
    {INTEGER(connections_max, LIMITS, 1, MILLION), "10000", "connections, per process"},
    {INTEGER(connections_per_address_max, LIMITS, 1, MILLION), "200",
     "connections of one address (IPv6: one /64), per process"},
    {TEXT(contact, ABOUT), "", "how to reach the operator: a mailto: or https: URL"},
    {INTEGER(content_chars_max, LIMITS, 1, 16777216), "102400",
     "characters in the content of an event"},
    {INTEGER(count_max, LIMITS, 1, 10000000), "100000",
     "a COUNT past this is answered with this, as approximate"},
    {INTEGER(created_at_future_s_max, ACCESS, 0, AGE_S_MAX), "900",
     "seconds an event may be ahead of our clock"},
    {INTEGER(created_at_past_s_max, ACCESS, 0, AGE_S_MAX), "0",
     "seconds an event may be old; 0: any age"},
    {TEXT(data_dir, DATABASE), "", "folder of the relay's own PostgreSQL"},
    {TEXT(database, DATABASE), "",
     "libpq connection string of a PostgreSQL to use; empty: its own"},
    {TEXT(database_read, DATABASE), "",
     "libpq connection string of its streaming standbys, to read from; empty: none"},
    {INTEGER(database_readers, DATABASE, 1, 64), "2",
     "connections for queries, per process, and as many to standbys"},
    {TEXT(description, ABOUT), "", "what this relay is for"},
    {INTEGER(drain_s_max, PROCESS, 1, 3600), "10", "seconds to finish in after SIGTERM"},
    {INTEGER(event_burst_max, LIMITS, 1, MILLION), "1000", "events an address may send at once"},
    {INTEGER(events_per_s_max, LIMITS, 0, MILLION), "100",
     "events per second, address and process; 0: no limit"},
    {INTEGER(filter_values_max, LIMITS, 1, 100000), "2000",
     "values in all lists of a filter together"},
    {INTEGER(filters_max, LIMITS, 1, 1000), "20", "filters in a REQ or COUNT"},
    {TEXT(icon, ABOUT), "", "URL of a square picture"},
    {TEXT(kinds_allowed, ACCESS), "", "kinds that are taken, as 0 1 20-22; empty: all"},
    {TEXT(kinds_denied, ACCESS), "", "kinds that are not taken"},
    {INTEGER(limit_default, LIMITS, 1, 100000), "500",
     "stored events for a filter without a limit"},
    {INTEGER(limit_max, LIMITS, 1, 100000), "5000", "the most a filter's limit can ask for"},
    {TEXT(listen_address, NETWORK), "127.0.0.1",
     "IP address to listen on; 0.0.0.0 or :: is all of them"},
    {INTEGER(listen_port, NETWORK, 0, 65535), "7777", "TCP port to listen on; 0: any free one"},
    {LEVEL(log_level, PROCESS), "info", "what is logged on stderr"},
    {INTEGER(message_bytes_max, LIMITS, 1024, 16777216), "262144",
     "bytes in a message from a client"},
    {TEXT(name, ABOUT), "Shoal relay", "name of this relay"},
    {INTEGER(negentropy_records_max, LIMITS, 0, 10000000), "1000000",
     "events a reconciliation (NIP-77) can be about; 0: no NIP-77"},
    {INTEGER(outbox_bytes_max, LIMITS, 65536, GIB), "4194304",
     "bytes kept for a client that does not read, before it is cut"},
    {INTEGER(ping_s, NETWORK, 1, 86400), "60",
     "a silent connection is pinged after this, closed after as much again"},
    {TEXT(policy_plugin, ACCESS), "",
     "command that judges events, as strfry's plugins do: JSON lines on stdin and stdout"},
    {BOOL(policy_plugin_accepts, ACCESS), "no",
     "events that the plugin does not judge in time pass"},
    {INTEGER(policy_plugin_ms_max, ACCESS, 10, 600000), "2000",
     "milliseconds the plugin has to judge an event"},
    {TEXT(postgres_bin, DATABASE), "", "folder of initdb and postgres; empty: searched for"},
    {INTEGER(pow_bits_min, ACCESS, 0, 256), "0", "leading zero bits of an event's id (NIP-13)"},
    {TEXT(pow_kinds, ACCESS), "",
     "leading zero bits by kind, as 1=16 20-22=10, in place of pow_bits_min"},
    {INTEGER(processes, PROCESS, 0, METRICS_PROCESSES_MAX), "1",
     "worker processes; 0: one per core"},
    {TEXT(pubkey, ABOUT), "", "the operator's public key, in hex or npub"},
    {INTEGER(pubkey_events_per_min, ACCESS, 0, 60000), "0",
     "events a minute of one key, per process; 0: no limit"},
    {TEXT(pubkeys_allowed, ACCESS), "",
     "who may write: keys in hex or npub, @/a/file for those in it; empty: everybody"},
    {TEXT(pubkeys_denied, ACCESS), "", "who may not write, in the same way"},
    {TEXT(public_url, NETWORK), "", "ws:// or wss:// URLs of this relay, separated by spaces"},
    {INTEGER(req_burst_max, LIMITS, 1, MILLION), "400",
     "REQs and COUNTs an address may send at once"},
    {INTEGER(reqs_per_s_max, LIMITS, 0, MILLION), "50",
     "REQs and COUNTs per second, address and process; 0: no limit"},
    {TEXT(retention_kinds, DATABASE), "",
     "how long kinds are kept, as in '7=30d 20000-29999=1h 1984=1y': the first that names a kind "
     "counts; 0: for ever"},
    {INTEGER(retention_s, DATABASE, 0, RETENTION_S_MAX), "0",
     "seconds other kinds are kept, but for replaceable ones, 5 and 62, which stay; 0: for ever"},
    {WORD(schema, DATABASE, SCHEMA_CHARS_MAX), "shoal", "PostgreSQL schema that holds the tables"},
    {BOOL(search, DATABASE), "no", "words are indexed and searched for (NIP-50)"},
    {TEXT(search_kinds, DATABASE),
     "0 1 11 20-22 1063 1111 9802 30023 30311 30402 30818 31922-31923",
     "kinds whose words are indexed, at most 64; ranges are 20-22"},
    {WORD(search_language, DATABASE, 20), "simple",
     "of events that name none, as PostgreSQL calls it: english, german, ...; simple: any"},
    {INTEGER(subscriptions_max, LIMITS, 1, 10000), "256", "subscriptions of a connection"},
    {INTEGER(tags_max, LIMITS, 0, 100000), "5000", "tags of an event"},
    {TEXT(terms_of_service, ABOUT), "", "URL of the terms"},
    {TEXT(tls_certificate, NETWORK), "",
     "PEM file with the certificate and its chain; empty: no TLS"},
    {TEXT(tls_key, NETWORK), "", "PEM file with the certificate's private key"},
    {INTEGER(trust_depth, ACCESS, 1, 2), "1",
     "1: whom trust_roots follow may write; 2: and whom those follow"},
    {INTEGER(trust_keys_max, ACCESS, 1, 10000000), "500000", "keys in the web of trust"},
    {TEXT(trust_roots, ACCESS), "",
     "keys whose web of trust may write, as in pubkeys_allowed; empty: everybody"},
    {TEXT(trusted_proxies, NETWORK), "",
     "networks whose X-Forwarded-For is believed, separated by spaces"},
    {TEXT(user, PROCESS), "postgres", "whom to become when started as root"},
    {INTEGER(verify_threads, PROCESS, 0, 256), "0",
     "threads that check signatures, per process; 0: one per core"},
    {INTEGER(window_bytes_max, PROCESS, 0, (int64_t)GIB * 1024), "268435456",
     "memory for the newest events, of all processes together; 0: none"},
};

/* A value that the table or we ourselves made: refusing it would be a bug. */
static void preset(struct config *config, const char *name, const char *value)
{
    struct err err;
    bool done = config_set(config, name, value, &err);
    if (!done)
        log_error("config", "default of %s", err.text);
    assert(done);
}

/* $STATE_DIRECTORY is systemd's, and a list. A folder too long for the field leaves it empty, which
 * config_check refuses. */
static void preset_data_dir(struct config *config)
{
    const char *state = secure_getenv("STATE_DIRECTORY");
    const char *data = secure_getenv("XDG_DATA_HOME");
    const char *home = secure_getenv("HOME");
    size_t size = sizeof config->data_dir;
    int len;
    if (state != NULL && state[0] == '/')
        len = snprintf(config->data_dir, size, "%.*s", (int)strcspn(state, ":"), state);
    else if (geteuid() == 0)
        len = snprintf(config->data_dir, size, "/var/lib/shoal-relay");
    else if (data != NULL && data[0] == '/')
        len = snprintf(config->data_dir, size, "%s/shoal-relay", data);
    else
        len = snprintf(config->data_dir, size, "%s/.local/share/shoal-relay", home ? home : "");
    if (len < 0 || (size_t)len >= size)
        config->data_dir[0] = '\0';
}

void config_defaults(struct config *config)
{
    *config = (struct config){0};
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        preset(config, table[i].name, table[i].preset);
    preset_data_dir(config);
}

bool config_has(const char *name, struct err *err)
{
    return option_find(table, ARRAY_LEN(table), name, err) != NULL;
}

bool config_set(struct config *config, const char *name, const char *value, struct err *err)
{
    const struct option *option = option_find(table, ARRAY_LEN(table), name, err);
    return option != NULL && option_set(option, config, name, value, err);
}

static char *trim(char *text)
{
    static const char blank[] = " \t\r\n";
    text += strspn(text, blank);
    size_t len = strlen(text);
    while (len > 0 && strchr(blank, text[len - 1]) != NULL)
        text[--len] = '\0';
    return text;
}

/* seen: which rows of the table earlier lines have set. */
static bool read_line(struct config *config, char *line, bool seen[], struct err *err)
{
    line = trim(line);
    if (line[0] == '\0' || line[0] == '#')
        return true;
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return err_set(err, ERR_INVALID, "expected name = value, got '%.40s'", line);
    *equals = '\0';

    const char *name = trim(line);
    const struct option *option = option_find(table, ARRAY_LEN(table), name, err);
    if (option == NULL)
        return false;
    if (seen[option - table])
        return err_set(err, ERR_INVALID, "%s is set twice", option->name);
    seen[option - table] = true;
    return option_set(option, config, name, trim(equals + 1), err);
}

/* The end of a long path tells more than its beginning. */
static const char *short_path(const char *path)
{
    enum { SHOWN_MAX = 40 };
    size_t len = strlen(path);
    return len > SHOWN_MAX ? path + len - SHOWN_MAX : path;
}

static bool read_file(struct config *config, FILE *file, const char *path, struct err *err)
{
    bool seen[ARRAY_LEN(table)] = {false};
    char *line = NULL;
    size_t size = 0;
    struct err why;
    bool good = true;
    int number = 0;
    ssize_t len;
    while (good && (len = getline(&line, &size, file)) >= 0) {
        number++;
        good = strlen(line) == (size_t)len ? read_line(config, line, seen, &why)
                                           : err_set(&why, ERR_INVALID, "a NUL byte");
    }
    if (!good)
        err_fill(err, ERR_INVALID, "%s:%d: %s", short_path(path), number, why.text);
    else if (ferror(file))
        good = err_set(err, ERR_INVALID, "%s: %s", short_path(path), strerrordesc_np(errno));
    free(line);
    return good;
}

static bool read_environment(struct config *config, struct err *err)
{
    for (char **at = environ; *at != NULL; at++) {
        char name[sizeof OPTION_ENVIRONMENT + 64];
        size_t len = strcspn(*at, "=");
        if (strncmp(*at, OPTION_ENVIRONMENT, strlen(OPTION_ENVIRONMENT)) != 0 || (*at)[len] == '\0')
            continue;
        snprintf(name, sizeof name, "%.*s", (int)len, *at);
        if (!config_set(config, name, *at + len + 1, err))
            return false;
    }
    return true;
}

bool config_load(struct config *config, const char *path, struct err *err)
{
    config_defaults(config);
    const char *name = path != NULL ? path : CONFIG_PATH;
    FILE *file = fopen(name, "re");
    if (file != NULL) {
        bool good = read_file(config, file, name, err);
        fclose(file);
        if (!good)
            return false;
    } else if (path != NULL || errno != ENOENT)
        return err_set(err, ERR_INVALID, "%s: %s", short_path(name), strerrordesc_np(errno));
    return read_environment(config, err);
}

static int64_t cores(int64_t max)
{
    int64_t count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1)
        return 1;
    return count < max ? count : max;
}

int64_t config_processes(const struct config *config)
{
    return config->processes > 0 ? config->processes : cores(METRICS_PROCESSES_MAX);
}

int64_t config_verify_threads(const struct config *config)
{
    enum { VERIFY_THREADS_MAX = 256 };
    return config->verify_threads > 0 ? config->verify_threads : cores(VERIFY_THREADS_MAX);
}

void config_write(struct text *out, const struct config *config)
{
    text_addf(out, "# Settings of shoal-relay. In the environment, listen_port is\n"
                   "# SHOAL_RELAY_LISTEN_PORT; on the command line, --listen-port.\n");
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        text_addf(out, "\n# %s\n# takes ", table[i].help);
        option_write_range(out, &table[i]);
        if (table[i].preset[0] != '\0')
            text_addf(out, "; default %s", table[i].preset);
        text_addf(out, "\n%s = ", table[i].name);
        option_write_value(out, &table[i], config);
        text_addf(out, "\n");
    }
}

void config_each(void (*visit)(void *owner, const struct option *option), void *owner)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        visit(owner, &table[i]);
}

enum { HELP_COLUMN = 34, HELP_WIDTH = 79 };

/* Words from column on, broken before HELP_WIDTH; column is where the cursor is. */
static void write_wrapped(struct text *out, size_t column, const char *words)
{
    while (*words != '\0') {
        size_t len = strcspn(words, " ");
        if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
            text_addf(out, "\n");
            column = 0;
        }
        if (column < HELP_COLUMN) {
            text_addf(out, "%*s", (int)(HELP_COLUMN - column), "");
            column = HELP_COLUMN;
        } else {
            text_addf(out, " ");
            column++;
        }
        text_add(out, (struct span){words, len});
        column += len;
        words += len + strspn(words + len, " ");
    }
    text_addf(out, "\n");
}

static void write_option_help(struct text *out, const struct option *option)
{
    static const char *const values[] = {[OPTION_BOOL] = "yes|no",
                                         [OPTION_INTEGER] = "N",
                                         [OPTION_LEVEL] = "LEVEL",
                                         [OPTION_TEXT] = "TEXT",
                                         [OPTION_WORD] = "WORD"};
    char left[80], right[200];
    int len = snprintf(left, sizeof left, "  --%s=%s", option->name, values[option->type]);
    assert(len > 0 && len < HELP_COLUMN);
    for (char *c = left; *c != '='; c++)
        if (*c == '_')
            *c = '-';
    snprintf(right, sizeof right, option->preset[0] != '\0' ? "%s [%s]" : "%s", option->help,
             option->preset);
    text_addf(out, "%s", left);
    write_wrapped(out, (size_t)len, right);
}

void config_write_help(struct text *out)
{
    for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
        text_addf(out, "%s%s:\n", g > 0 ? "\n" : "", groups[g]);
        for (size_t i = 0; i < ARRAY_LEN(table); i++)
            if (strcmp(table[i].group, groups[g]) == 0)
                write_option_help(out, &table[i]);
    }
}

#include "relay/config.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/kind_set.h"
#include "relay/language.h"
#include "relay/retention.h"
#include "relay/rules.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/kind.h"

/* The next word of a list separated by spaces or commas; empty at its end. */
static struct span next_word(const char **list)
{
    static const char separators[] = " ,\t";
    *list += strspn(*list, separators);
    struct span word = {*list, strcspn(*list, separators)};
    *list += word.len;
    return word;
}

/* Bits of an IP address: 32 or 128; 0 when it is none. */
static int address_bits(const char *text)
{
    unsigned char ip[16];
    if (inet_pton(AF_INET, text, ip) == 1)
        return 32;
    return inet_pton(AF_INET6, text, ip) == 1 ? 128 : 0;
}

static bool is_network(struct span word)
{
    char text[64];
    if (word.len >= sizeof text)
        return false;
    memcpy(text, word.at, word.len);
    text[word.len] = '\0';

    char *slash = strchr(text, '/');
    if (slash == NULL)
        return address_bits(text) != 0;
    *slash = '\0';
    const char *digits = slash + 1;
    size_t len = strlen(digits);
    return len >= 1 && len <= 3 && strspn(digits, "0123456789") == len &&
           strtol(digits, NULL, 10) <= address_bits(text);
}

static bool check_networks(const struct config *config, struct err *err)
{
    const char *list = config->trusted_proxies;
    for (struct span word = next_word(&list); word.len > 0; word = next_word(&list))
        if (!is_network(word))
            return err_set(err, ERR_INVALID,
                           "trusted_proxies: '%.*s' is no network like 10.0.0.0/8",
                           (int)(word.len < 40 ? word.len : 40), word.at);
    return true;
}

static bool check_urls(const struct config *config, struct err *err)
{
    const char *list = config->public_url;
    for (struct span word = next_word(&list); word.len > 0; word = next_word(&list)) {
        size_t scheme = word.len > 5 && memcmp(word.at, "ws://", 5) == 0    ? 5
                        : word.len > 6 && memcmp(word.at, "wss://", 6) == 0 ? 6
                                                                            : 0;
        if (scheme == 0 || word.at[scheme] == '/')
            return err_set(err, ERR_INVALID,
                           "public_url: '%.*s' is no URL like wss://relay.example",
                           (int)(word.len < 40 ? word.len : 40), word.at);
    }
    return true;
}

static bool parse_pubkey(struct bytes32 *key, struct span word)
{
    struct arena arena = {0};
    struct bech32 decoded;
    bool is_good = hex_decode(key->at, sizeof *key, word);
    if (!is_good && bech32_decode(&decoded, &arena, word, NULL) && decoded.type == BECH32_NPUB) {
        *key = decoded.key;
        is_good = true;
    }
    arena_clear(&arena);
    return is_good;
}

static bool check_pubkey(const struct config *config, struct err *err)
{
    struct span word = {config->pubkey, strlen(config->pubkey)};
    struct bytes32 key;
    return word.len == 0 || parse_pubkey(&key, word) ||
           err_set(err, ERR_INVALID, "pubkey: expected 64 lowercase hex digits or an npub");
}

static bool check_admins(const struct config *config, struct err *err)
{
    const char *list = config->admin_pubkeys;
    struct bytes32 key;
    uint32_t count = 0;
    for (struct span word = next_word(&list); word.len > 0; word = next_word(&list), count++)
        if (!parse_pubkey(&key, word))
            return err_set(err, ERR_INVALID,
                           "admin_pubkeys: '%.*s' is neither 64 lowercase hex digits nor an npub",
                           (int)(word.len < 20 ? word.len : 20), word.at);
    return count <= CONFIG_ADMINS_MAX ||
           err_set(err, ERR_INVALID, "admin_pubkeys: more than %d", CONFIG_ADMINS_MAX);
}

uint32_t config_admins(const struct config *config, struct bytes32 out[CONFIG_ADMINS_MAX])
{
    const char *list = config->admin_pubkeys;
    uint32_t count = 0;
    for (struct span word = next_word(&list); word.len > 0 && count < CONFIG_ADMINS_MAX;
         word = next_word(&list))
        count += parse_pubkey(&out[count], word);
    return count;
}

static bool check_conninfo(const char *name, const char *conninfo, struct err *err)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &why);
    bool good = options != NULL;
    if (!good) /* what libpq quotes may be the password */
        err_fill(err, ERR_INVALID, "%s: no connection string of libpq: %.*s...", name,
                 (int)(why != NULL ? strcspn(why, "\"\n") : 0), why != NULL ? why : "");
    PQconninfoFree(options);
    PQfreemem(why);
    return good;
}

static bool check_database(const struct config *config, struct err *err)
{
    if (!check_conninfo("database_read", config->database_read, err))
        return false;
    if (config->database[0] == '\0') {
        if (config->data_dir[0] != '/')
            return err_set(err, ERR_INVALID, "data_dir: expected an absolute path, got '%.40s'",
                           config->data_dir);
        return true;
    }
    return check_conninfo("database", config->database, err);
}

/* Each burst must let at least one pass where there is a rate; one below the rate would make the
 * rate a promise that is not kept. */
static bool check_amounts(const struct config *config, struct err *err)
{
    if (config->event_burst_max < config->events_per_s_max)
        return err_set(err, ERR_INVALID, "event_burst_max is below events_per_s_max");
    if (config->req_burst_max < config->reqs_per_s_max)
        return err_set(err, ERR_INVALID, "req_burst_max is below reqs_per_s_max");
    if (config->limit_default > config->limit_max)
        return err_set(err, ERR_INVALID, "limit_default is above limit_max");
    if (config->connections_per_address_max > config->connections_max)
        return err_set(err, ERR_INVALID, "connections_per_address_max is above connections_max");
    /* Else a message that is accepted could never be delivered. */
    if (config->outbox_bytes_max < 2 * config->message_bytes_max)
        return err_set(err, ERR_INVALID, "outbox_bytes_max is below twice message_bytes_max");
    return true;
}

static void count_key(void *owner, const struct bytes32 *key)
{
    uint32_t *count = owner;
    (void)key;
    *count += 1;
}

static bool check_rules(const struct config *config, struct err *err)
{
    const struct rules_setup setup = config_rules(config);
    struct rules *rules = rules_new(&setup, err);
    struct err why;
    uint32_t roots = 0;
    if (rules == NULL)
        return false;
    rules_free(rules);
    if (!rules_read_keys(config->trust_roots, count_key, &roots, &why))
        return err_set(err, ERR_INVALID, "trust_roots: %.90s", why.text);
    return config->trust_roots[0] == '\0' || roots > 0 ||
           err_set(err, ERR_INVALID, "trust_roots: names none");
}

struct rules_setup config_rules(const struct config *config)
{
    return (struct rules_setup){.kinds_allowed = config->kinds_allowed,
                                .kinds_denied = config->kinds_denied,
                                .pubkeys_allowed = config->pubkeys_allowed,
                                .pubkeys_denied = config->pubkeys_denied,
                                .pow_kinds = config->pow_kinds,
                                .events_per_min = config->pubkey_events_per_min};
}

/* What is private is not to be found by its words, encrypted or not. */
static bool check_search(const struct config *config, struct err *err)
{
    struct kind_set kinds;
    struct err why;
    if (!kind_set_read(&kinds, config->search_kinds, &why))
        return err_set(err, ERR_INVALID, "search_kinds: %.80s", why.text);
    if (kinds.count > CONFIG_SEARCH_KINDS_MAX)
        return err_set(err, ERR_INVALID, "search_kinds: more than %d", CONFIG_SEARCH_KINDS_MAX);
    for (uint32_t kind = 0; kind <= UINT16_MAX; kind++)
        if (kind_set_has(&kinds, (uint16_t)kind) && kind_is_gated((uint16_t)kind))
            return err_set(err, ERR_INVALID, "search_kinds: kind %u is private", kind);
    if (!language_is_configuration(config->search_language))
        return err_set(err, ERR_INVALID, "search_language: '%.20s' is none of PostgreSQL's",
                       config->search_language);
    return true;
}

static bool check_retention(const struct config *config, struct err *err)
{
    struct retention rules;
    return retention_parse(&rules, config->retention_s, config->retention_kinds, err);
}

bool config_check(const struct config *config, struct err *err)
{
    if ((config->tls_certificate[0] == '\0') != (config->tls_key[0] == '\0'))
        return err_set(err, ERR_INVALID, "tls_certificate and tls_key: expected both or none");
    if (address_bits(config->listen_address) == 0)
        return err_set(err, ERR_INVALID, "listen_address: expected an IP address, got '%.40s'",
                       config->listen_address);
    if (config->user[0] == '\0')
        return err_set(err, ERR_INVALID, "user: expected the name of a user");
    return check_amounts(config, err) && check_networks(config, err) && check_urls(config, err) &&
           check_pubkey(config, err) && check_admins(config, err) && check_database(config, err) &&
           check_retention(config, err) && check_search(config, err) && check_rules(config, err);
}

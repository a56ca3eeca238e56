/* config.h - every setting of the relay, in one table.
 *
 * --help, --print-config, the configuration file, the environment (SHOAL_RELAY_<NAME>), the flags
 * (--name=value, with - for _) and the checks are all made from it: to add a setting, add a
 * field here and a row in config.c. Flags win over the environment, which wins over the file.
 *
 *   errors  ERR_INVALID, naming file and line, variable or flag, and the range
 */
#pragma once

#include "shared/base.h"

struct err;
struct option;
struct rules_setup;
struct text;

#define CONFIG_PATH "/etc/shoal-relay.conf"

enum { CONFIG_TEXT_MAX = 1024, CONFIG_ADMINS_MAX = 16, CONFIG_SEARCH_KINDS_MAX = 64 };

/* Fields are alphabetical, as in the file. 0 means "no limit" only where the table says so. */
struct config {
    char admin_pubkeys[CONFIG_TEXT_MAX]; /* hex or npub, separated by spaces; NIP-86 */
    bool auth_required;                  /* nothing is read or written without NIP-42 */
    char banner[CONFIG_TEXT_MAX];        /* NIP-11, as are contact, description, icon, name, ... */
    int64_t connections_max;             /* per process */
    int64_t connections_per_address_max; /* per process */
    char contact[CONFIG_TEXT_MAX];
    int64_t content_chars_max;
    int64_t count_max; /* a COUNT past this is answered with this, as approximate */
    int64_t created_at_future_s_max;
    int64_t created_at_past_s_max;       /* 0: any age */
    char data_dir[CONFIG_TEXT_MAX];      /* of the relay's own cluster */
    char database[CONFIG_TEXT_MAX];      /* libpq connection string; empty: its own cluster */
    char database_read[CONFIG_TEXT_MAX]; /* the same of its standbys; empty: none is read */
    int64_t database_readers; /* connections for queries, per process; to standbys as many */
    char description[CONFIG_TEXT_MAX];
    int64_t drain_s_max; /* after SIGTERM */
    int64_t event_burst_max;
    int64_t events_per_s_max; /* per address and process; 0: no limit */
    int64_t filter_values_max;
    int64_t filters_max;
    char icon[CONFIG_TEXT_MAX];
    char kinds_allowed[CONFIG_TEXT_MAX]; /* numbers and ranges; empty: all */
    char kinds_denied[CONFIG_TEXT_MAX];
    int64_t limit_default;
    int64_t limit_max;
    char listen_address[CONFIG_TEXT_MAX]; /* an IP address */
    int64_t listen_port;                  /* 0: any free one */
    int64_t log_level;                    /* enum log_level; written error, warning, info, debug */
    int64_t message_bytes_max;
    char name[CONFIG_TEXT_MAX];
    int64_t negentropy_records_max; /* of a NIP-77 reconciliation; 0: none */
    int64_t outbox_bytes_max;
    int64_t ping_s; /* a silent connection is pinged after this, closed after as much again */
    char policy_plugin[CONFIG_TEXT_MAX]; /* for /bin/sh; empty: none */
    bool policy_plugin_accepts;          /* what it does not judge in time */
    int64_t policy_plugin_ms_max;
    char pow_kinds[CONFIG_TEXT_MAX];    /* "1=16 20-22=10" */
    char postgres_bin[CONFIG_TEXT_MAX]; /* folder of initdb and postgres; empty: searched */
    int64_t pow_bits_min;
    int64_t processes;                     /* 0: one per core */
    char pubkey[CONFIG_TEXT_MAX];          /* of the operator, hex or npub; NIP-11 */
    int64_t pubkey_events_per_min;         /* 0: no limit */
    char pubkeys_allowed[CONFIG_TEXT_MAX]; /* keys, and files of keys; empty: all */
    char pubkeys_denied[CONFIG_TEXT_MAX];
    char public_url[CONFIG_TEXT_MAX]; /* ws:// or wss:// URLs, separated by spaces */
    int64_t req_burst_max;
    int64_t reqs_per_s_max;                /* per address and process; 0: no limit */
    char retention_kinds[CONFIG_TEXT_MAX]; /* rules as in retention.h */
    int64_t retention_s;                   /* 0: for ever */
    char schema[64];
    bool search;                           /* NIP-50 */
    char search_kinds[CONFIG_TEXT_MAX];    /* numbers and ranges */
    char search_language[CONFIG_TEXT_MAX]; /* a text search configuration of PostgreSQL */
    int64_t subscriptions_max;             /* per connection */
    int64_t tags_max;
    char terms_of_service[CONFIG_TEXT_MAX];
    char tls_certificate[CONFIG_TEXT_MAX]; /* PEM files */
    char tls_key[CONFIG_TEXT_MAX];
    int64_t trust_depth;
    int64_t trust_keys_max;
    char trust_roots[CONFIG_TEXT_MAX];     /* keys, and files of keys; empty: everybody */
    char trusted_proxies[CONFIG_TEXT_MAX]; /* networks, separated by spaces */
    char user[64];                         /* whom to become when started as root */
    int64_t verify_threads;                /* 0: one per core */
    int64_t window_bytes_max;              /* of all processes together; 0: no window */
};

void config_defaults(struct config *config);

/* One "name = value"; name in any of its three spellings. has: whether there is such a setting. */
MUST_CHECK bool config_set(struct config *config, const char *name, const char *value,
                           struct err *err);
MUST_CHECK bool config_has(const char *name, struct err *err);

/* Defaults, then file (path NULL: CONFIG_PATH if it is there), then environment. */
MUST_CHECK bool config_load(struct config *config, const char *path, struct err *err);

/* What one setting alone cannot tell: both TLS files or none, bursts, URLs, networks. */
MUST_CHECK bool config_check(const struct config *config, struct err *err);

/* What rules.h wants to know; points into config. */
struct rules_setup config_rules(const struct config *config);

/* The pubkeys of admin_pubkeys, which config_check has accepted; returns how many. */
uint32_t config_admins(const struct config *config, struct bytes32 out[CONFIG_ADMINS_MAX]);

/* The two settings in which 0 means one per core. */
int64_t config_processes(const struct config *config);
int64_t config_verify_threads(const struct config *config);

/* The whole table as a commented file that config_load reads back to the same values. */
void config_write(struct text *out, const struct config *config);
/* Each setting, in the order of the file; its value: option_write_value. */
void config_each(void (*visit)(void *owner, const struct option *option), void *owner);

/* The options part of --help. */
void config_write_help(struct text *out);

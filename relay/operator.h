/* operator.h - `shoal-relay admin`: asks a relay, this one or another, by NIP-86.
 *
 *   threads  blocking
 *   errors   on stderr, with what and where; the exit status is 0, 1 (refused, or no answer) or 2
 *            (not asked: usage, key)
 *   spec     NIP-86, NIP-98
 */
#pragma once

#include "shared/base.h"

struct config;

enum { OPERATOR_WORDS_MAX = 6 };

struct operator_setup {
    const char *url;                       /* NULL: of this relay, as configured */
    const char *key_path;                  /* NULL: the environment says, or stdin has the key */
    bool is_json;                          /* the result as it came */
    const char *words[OPERATOR_WORDS_MAX]; /* method and parameters */
    uint32_t word_count;
};

/* The environment's name of the file with the key. */
#define OPERATOR_KEY_FILE "SHOAL_ADMIN_KEY_FILE"

int operator_run(const struct config *config, const struct operator_setup *setup);

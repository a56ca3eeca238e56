/* ncryptsec.h - a secret key under a password, as a word: ncryptsec1...
 *
 *   ownership  keys are the caller's; passwords are borrowed and copied only into locked memory
 *   threads    any; a call takes 2^log_n KiB of memory, and 0.4 s at the usual 16
 *   errors     ERR_INVALID: no such word; ERR_RESTRICTED: wrong password; ERR_UNSUPPORTED: a
 *              version or a cost that is not ours
 *   spec       NIP-49
 */
#pragma once

#include "shared/base.h"

struct err;
struct keys;
struct text;

/* log_n 22 is 4 GiB: more is an attack, not a cost. */
enum { NCRYPTSEC_LOG_N = 16, NCRYPTSEC_LOG_N_MAX = 22 };

enum ncryptsec_past { /* how the key was kept until now */
                      NCRYPTSEC_EXPOSED = 0,
                      NCRYPTSEC_SAFE = 1,
                      NCRYPTSEC_UNKNOWN = 2,
};

struct ncryptsec_seed { /* fresh random bytes */
    uint8_t salt[16], nonce[24];
};

struct ncryptsec_terms {
    uint32_t log_n; /* scrypt's cost: NCRYPTSEC_LOG_N where nothing speaks for another */
    enum ncryptsec_past past;
    struct ncryptsec_seed seed;
};

MUST_CHECK bool ncryptsec_seal(struct text *out, const struct keys *keys, struct span password,
                               const struct ncryptsec_terms *terms, struct err *err);

/* NULL on failure. */
MUST_CHECK struct keys *ncryptsec_open(struct span word, struct span password, struct err *err);

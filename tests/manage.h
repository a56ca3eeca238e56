/* manage.h - an operator in a test: asks a relay by NIP-86 and reads what it answers.
 *
 * Base64 and hashes are made here, not by the code under test; JSON is read with jansson.
 *
 *   ownership  strings live in scratch; a json_t lasts until the next call
 *   errors     a failed assertion of the running test, naming what came instead
 *   spec       NIP-86, NIP-98
 */
#pragma once

#include <jansson.h>

#include "shared/base.h"
#include "tests/fetch.h"

/* What the Authorization header is made of; all zero is a good one of person 0. */
struct manage_draft {
    uint32_t person;
    const char *u, *method, *payload; /* NULL: the right ones; "": no such tag */
    int64_t late_s;                   /* made so long ago */
    uint32_t kind;                    /* 0: 27235 */
    bool is_forged;                   /* the signature is another's */
};

/* The header's value for that body. */
const char *manage_authorization(uint16_t port, const struct manage_draft *draft, const char *body);

/* POST with that Authorization (NULL: none). */
struct fetch_answer manage_post(uint16_t port, const char *authorization, const char *body);

/* method(params) as person asks for it; params: JSON of an array. */
struct fetch_answer manage_ask(uint16_t port, uint32_t person, const char *method,
                               const char *params);

/* The result of what must succeed. */
json_t *manage_result(uint16_t port, uint32_t person, const char *method, const char *params);

/* The result must be true. */
void manage_do(uint16_t port, uint32_t person, const char *method, const char *params);

/* That status, and an error that begins with that. */
void manage_refused(uint16_t port, uint32_t person, const char *method, const char *params,
                    int status, const char *error);
void manage_is_refused(const struct fetch_answer *answer, int status, const char *error);

/* Of what is handed out last; at the end of a program. */
void manage_clear(void);

/* fault.h - why a mint refuses, in Cashu's numbers and in words.
 *
 *   ownership  a plain value; copy it, nothing to free
 *   spec       Cashu error_codes.md
 */
#pragma once

#include "shared/base.h"

enum fault_code {
    FAULT_OURS = 0,          /* not the caller's doing: the database is away. Again later */
    FAULT_MALFORMED = 10000, /* no number of Cashu's says it: the request is out of order */
    FAULT_PROOF_INVALID = 10001,
    FAULT_PROOF_SPENT = 11001,
    FAULT_PROOF_PENDING = 11002,
    FAULT_OUTPUT_SIGNED = 11003,
    FAULT_OUTPUT_PENDING = 11004,
    FAULT_UNBALANCED = 11005,
    FAULT_AMOUNT_LIMIT = 11006,
    FAULT_INPUT_TWICE = 11007,
    FAULT_OUTPUT_TWICE = 11008,
    FAULT_UNITS_MANY = 11009,
    FAULT_UNITS_DIFFER = 11010,
    FAULT_UNIT_UNKNOWN = 11013,
    FAULT_INPUTS_MAX = 11014,
    FAULT_OUTPUTS_MAX = 11015,
    FAULT_KEYSET_UNKNOWN = 12001,
    FAULT_KEYSET_INACTIVE = 12002,
    FAULT_KEYSET_EXPIRED = 12003,
    FAULT_QUOTE_UNPAID = 20001,
    FAULT_QUOTE_ISSUED = 20002,
    FAULT_MINT_DISABLED = 20003,
    FAULT_PAYMENT_FAILED = 20004,
    FAULT_QUOTE_PENDING = 20005,
    FAULT_QUOTE_PAID = 20006,
    FAULT_QUOTE_EXPIRED = 20007,
    FAULT_QUOTE_SIGNATURE = 20008,
    FAULT_QUOTE_KEY = 20009,
    FAULT_QUOTE_UNKNOWN = 20010 /* no number of Cashu's says it */
};

struct fault {
    enum fault_code code;
    char text[160]; /* for people */
};

/* Fills fault, and is false. */
#define fault_set(...) (fault_fill(__VA_ARGS__), false)
void fault_fill(struct fault *fault, enum fault_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

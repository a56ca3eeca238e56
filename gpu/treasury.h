/* treasury.h - `shoal-gpu mint`: what an operator does to a mint by hand.
 *
 *     init    makes its seed
 *     rotate  gives a unit a new keyset, with which is signed from now on
 *
 *   ownership  options are borrowed for the call
 *   threads    one
 *   errors     ERR_INVALID: no such action; those of seed and bank
 */
#pragma once

#include <stdio.h>

#include "gpu/bank.h"

struct treasury_options {
    const char *action, *unit; /* NULL: not said */
    struct bank_options bank;
};

MUST_CHECK bool treasury_run(const struct treasury_options *options, FILE *out, struct err *err);

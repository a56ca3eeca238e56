/* inspect.h - the command that says what a model is, and what of it fits on this machine.
 *
 *   ownership  out is added to
 *   threads    any
 */
#pragma once

#include "shared/base.h"

struct machine;
struct model;
struct text;
struct tokenizer;

struct inspect {
    const struct model *model;
    const struct machine *machine;
    const struct bytes32 *root;        /* NULL: not computed */
    const struct tokenizer *tokenizer; /* NULL: none, for the reason no_tokenizer */
    const char *no_tokenizer;
};

/* For people. */
void inspect_write(struct text *out, const struct inspect *inspect);

/* One JSON object and a line's end. */
void inspect_write_json(struct text *out, const struct inspect *inspect);

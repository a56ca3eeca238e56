/* reference.h - what a forged model computes: a forward pass in double, by the papers.
 *
 * It knows the families' arithmetic and a forge_model's numbers, nothing of gpu/: no file is read,
 * no weight converted. Every other way to run a model is measured against it.
 *
 *   shapes     hidden (layers + 1, tokens, width): before the first layer, then after each;
 *              logits (tokens, vocabulary)
 *   ownership  reference_clear frees both
 *   threads    one
 */
#pragma once

#include "tests/forge_model.h"

struct reference {
    uint32_t tokens, width, vocabulary;
    double *hidden, *logits;
};

void reference_run(struct reference *reference, const struct forge_model *model,
                   const uint32_t *tokens, uint32_t count);
void reference_clear(struct reference *reference);

/* The state of a token after that many layers. */
const double *reference_hidden(const struct reference *reference, uint32_t layers, uint32_t token);
const double *reference_logits(const struct reference *reference, uint32_t token);

/* entry.h - what a row begins with: the embedding of its token, the turns of its position.
 *
 *   ownership  entry_clear frees; the model is borrowed and must stay open
 *   threads    immutable once made
 */
#pragma once

#include "gpu/exec_device.h"
#include "gpu/view.h"

struct entry {
    struct hyper hyper;
    struct view embedding, positions;
    double *turns, *long_turns; /* what a pair turns by for each position */
};

/* False when there is to be an embedding, and the model has none. */
MUST_CHECK bool entry_make(struct entry *entry, const struct model *model, bool has_embedding);
void entry_clear(struct entry *entry);

/* (width) of the residual stream */
void entry_state(const struct entry *entry, float *state, const struct exec_row *row);

/* (rotary): cosine and sine of each pair */
void entry_turns(const struct entry *entry, float *turns, const struct exec_row *row);

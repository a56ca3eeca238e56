/* label.h - how a model is called in public: its name, and how its weights are kept.
 *
 *   ownership  plain values
 *   threads    pure, but label_name, which looks where a link leads
 */
#pragma once

#include "gpu/dtype.h"
#include "shared/offer.h"

struct model;

/* As its file or folder is called, without what says that it is a model's. */
void label_name(char *out, size_t size, const char *path);

/* As dtype_name has it, of what is stored; in small letters, as identifiers of offers have it. */
const char *label_stored(const struct model *model);
struct label_dtype {
    char text[OFFER_WORD_BYTES_MAX + 1];
};
struct label_dtype label_dtype(const struct model *model, enum dtype_made made);

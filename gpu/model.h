/* model.h - a model on disk: hyperparameters and weights, whichever format they lie in.
 *
 * Opened, a model is complete: every weight that its layers need is there, in the shape that the
 * hyperparameters demand, and nothing is there that the arithmetic would leave out. Weights are
 * read through views (view.h).
 *
 *   ownership  model_close gives everything back; spans and trees live until then
 *   threads    immutable once open
 *   errors     ERR_INVALID, ERR_UNSUPPORTED; after "FILE: " the reason and the offset
 */
#pragma once

#include "gpu/gguf.h"
#include "gpu/hyper.h"
#include "gpu/mapping.h"
#include "gpu/tensor.h"
#include "gpu/weight.h"
#include "shared/arena.h"

struct err;
struct tree;

enum { MODEL_FILES_MAX = 1024, MODEL_PATH_BYTES_MAX = 4096 };

struct model_weight {
    struct weight_id id;
    const struct tensor *tensor;
};

struct model {
    struct hyper hyper;
    enum weight_format format;
    uint32_t file_count;
    uint32_t weight_count;
    struct mapping *files;        /* those with tensors */
    struct model_weight *weights; /* in the order of layers, then as enum weight; biases after */
    struct gguf gguf;             /* of a GGUF file */
    const struct tree *config;    /* of safetensors */
    char folder[MODEL_PATH_BYTES_MAX]; /* where the file lies, "" for here; ends in / */
    struct arena arena;
};

/* path: a GGUF file, a safetensors file or its index beside a config.json, or the folder of
 * these. */
MUST_CHECK bool model_open(struct model *model, const char *path, struct err *err);
void model_close(struct model *model);

/* NULL when the file has none. */
const struct model_weight *model_find(const struct model *model, struct weight_id id);

/* The file of that name in the model's folder. */
MUST_CHECK bool model_open_beside(const struct model *model, struct mapping *mapping,
                                  const char *name, struct err *err);

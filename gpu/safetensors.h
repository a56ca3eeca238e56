/* safetensors.h - the tensors of one safetensors file.
 *
 * Eight bytes tell the length of a JSON header; it names each tensor with its type, its shape and
 * where it lies in the rest of the file, which the tensors fill: no holes, no overlaps.
 *
 *   ownership  the list and its names live in the arena; data points into the file
 *   threads    pure
 *   errors     ERR_INVALID with the offset in the file; ERR_UNSUPPORTED a type that is not known
 *   spec       https://huggingface.co/docs/safetensors
 */
#pragma once

#include "gpu/tensor.h"

struct arena;

enum { SAFETENSORS_HEADER_BYTES_MAX = 1 << 25 };

MUST_CHECK bool safetensors_parse(struct tensor_list *list, struct arena *arena, struct span file,
                                  struct err *err);

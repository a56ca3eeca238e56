/* tensor.h - the tensors of a file: what each is called, its type, its shape, its bytes.
 *
 *   shapes     outermost first, row-major: (rows, columns) of a matrix
 *   ownership  names live in the reader's arena; data points into the file
 *   threads    immutable once read
 *   errors     ERR_INVALID, with the offset in the file
 */
#pragma once

#include "gpu/dtype.h"
#include "shared/base.h"

struct err;

enum { TENSOR_DIMS_MAX = 4, TENSORS_MAX = 1 << 16, TENSOR_NAME_BYTES_MAX = 256 };

struct tensor {
    struct span name; /* as the file has it */
    enum dtype type;
    uint32_t dims;                   /* 0: a single number */
    uint64_t shape[TENSOR_DIMS_MAX]; /* 1 past dims */
    struct span data;
};

struct tensor_list {
    struct tensor *at;
    uint32_t count;
};

/* The product of the shape; false when it is 2^63 or more. */
MUST_CHECK bool tensor_elements(uint64_t *count, const struct tensor *tensor);

/* That no two have the same name, and no two share a byte of the file, which begins at file. */
MUST_CHECK bool tensor_list_check(const struct tensor_list *list, const char *file,
                                  struct err *err);

#include "gpu/tensor.h"

#include <stdlib.h>

#include "shared/err.h"
#include "shared/scan.h"

bool tensor_elements(uint64_t *count, const struct tensor *tensor)
{
    *count = 1;
    for (uint32_t i = 0; i < tensor->dims; i++)
        if (__builtin_mul_overflow(*count, tensor->shape[i], count))
            return false;
    return *count <= INT64_MAX;
}

static int by_name(const void *a, const void *b)
{
    const struct tensor *left = *(const struct tensor *const *)a;
    const struct tensor *right = *(const struct tensor *const *)b;
    if (left->name.len != right->name.len)
        return left->name.len < right->name.len ? -1 : 1;
    return left->name.len == 0 ? 0 : memcmp(left->name.at, right->name.at, left->name.len);
}

static int by_place(const void *a, const void *b)
{
    const struct tensor *left = *(const struct tensor *const *)a;
    const struct tensor *right = *(const struct tensor *const *)b;
    if (left->data.at != right->data.at)
        return left->data.at < right->data.at ? -1 : 1;
    return (left->data.len > right->data.len) - (left->data.len < right->data.len);
}

static bool check_sorted(const struct tensor **sorted, uint32_t count, const char *file,
                         struct err *err)
{
    qsort(sorted, count, sizeof(void *), by_name);
    for (uint32_t i = 1; i < count; i++)
        if (span_eq(sorted[i - 1]->name, sorted[i]->name))
            return err_set(err, ERR_INVALID, "two tensors are called '%s'",
                           scan_word(sorted[i]->name).at);
    qsort(sorted, count, sizeof(void *), by_place);
    for (uint32_t i = 1; i < count; i++)
        if (sorted[i]->data.at < sorted[i - 1]->data.at + sorted[i - 1]->data.len)
            return err_set(err, ERR_INVALID, "'%s' lies over '%s' at byte %zu",
                           scan_word(sorted[i]->name).at, scan_word(sorted[i - 1]->name).at,
                           (size_t)(sorted[i]->data.at - file));
    return true;
}

bool tensor_list_check(const struct tensor_list *list, const char *file, struct err *err)
{
    const struct tensor **sorted = calloc((size_t)list->count + 1, sizeof(void *));
    if (sorted == NULL)
        abort();
    for (uint32_t i = 0; i < list->count; i++)
        sorted[i] = &list->at[i];
    bool ok = check_sorted(sorted, list->count, file, err);
    free(sorted);
    return ok;
}

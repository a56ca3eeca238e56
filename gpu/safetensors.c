#include "gpu/safetensors.h"

#include <endian.h>

#include "gpu/tree.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"

enum { LENGTH_BYTES = 8 };

static bool read_type(enum dtype *type, struct span name)
{
    static const struct {
        const char *name;
        enum dtype type;
    } types[] = {{"F32", DTYPE_F32}, {"F16", DTYPE_F16},    {"BF16", DTYPE_BF16},
                 {"F64", DTYPE_F64}, {"I64", DTYPE_I64},    {"U64", DTYPE_I64},
                 {"I32", DTYPE_I32}, {"U32", DTYPE_I32},    {"I16", DTYPE_I16},
                 {"U16", DTYPE_I16}, {"I8", DTYPE_I8},      {"U8", DTYPE_I8},
                 {"BOOL", DTYPE_I8}, {"F8_E5M2", DTYPE_I8}, {"F8_E4M3", DTYPE_I8}};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (span_eq(name, (struct span){types[i].name, strlen(types[i].name)})) {
            *type = types[i].type;
            return true;
        }
    return false;
}

static bool read_shape(struct tensor *tensor, const struct tree *shape, struct err *err)
{
    struct scan_word name = scan_word(tensor->name);
    if (tree_as(shape, TREE_ARRAY) == NULL || shape->count > TENSOR_DIMS_MAX)
        return err_set(err, ERR_INVALID, "'%s': expected a shape of at most %d dimensions", name.at,
                       TENSOR_DIMS_MAX);
    for (uint32_t i = 0; i < TENSOR_DIMS_MAX; i++)
        tensor->shape[i] = 1;
    for (const struct tree *dim = shape->first; dim != NULL; dim = dim->next)
        if (!tree_integer(dim, &tensor->shape[tensor->dims++], INT64_MAX))
            return err_set(err, ERR_INVALID, "'%s': a dimension is no whole number", name.at);
    return true;
}

/* Where the bytes lie: [begin, end] of what follows the header. */
static bool read_place(struct tensor *tensor, const struct tree *place, struct span data,
                       const char *file, struct err *err)
{
    uint64_t begin;
    uint64_t end;
    uint64_t elements;
    uint64_t bytes;
    struct scan_word name = scan_word(tensor->name);
    if (tree_as(place, TREE_ARRAY) == NULL || place->count != 2 ||
        !tree_integer(place->first, &begin, INT64_MAX) ||
        !tree_integer(place->first->next, &end, INT64_MAX) || begin > end)
        return err_set(err, ERR_INVALID, "'%s': expected data_offsets [begin,end]", name.at);
    if (end > data.len)
        return err_set(err, ERR_INVALID, "'%s' ends at byte %llu, after the file's %zu", name.at,
                       (unsigned long long)end + (unsigned long long)(data.at - file),
                       data.len + (size_t)(data.at - file));
    if (!tensor_elements(&elements, tensor) || !dtype_bytes(&bytes, tensor->type, elements) ||
        bytes != end - begin)
        return err_set(err, ERR_INVALID, "'%s': its shape does not fill its %llu bytes at byte %zu",
                       name.at, (unsigned long long)(end - begin),
                       (size_t)(data.at - file) + (size_t)begin);
    tensor->data = (struct span){data.at + begin, (size_t)bytes};
    return true;
}

static bool read_tensor(struct tensor *tensor, const struct tree *member, struct span data,
                        const char *file, struct err *err)
{
    *tensor = (struct tensor){.name = member->key};
    if (member->key.len == 0 || member->key.len > TENSOR_NAME_BYTES_MAX)
        return err_set(err, ERR_INVALID, "'%s': a name has 1 to %d bytes",
                       scan_word(member->key).at, TENSOR_NAME_BYTES_MAX);
    struct span type = tree_text(tree_get(member, "dtype"));
    if (!read_type(&tensor->type, type))
        return err_set(err, ERR_UNSUPPORTED, "'%s' is of type '%s'", scan_word(member->key).at,
                       scan_word(type).at);
    return read_shape(tensor, tree_get(member, "shape"), err) &&
           read_place(tensor, tree_get(member, "data_offsets"), data, file, err);
}

static bool read_tensors(struct tensor_list *list, const struct tree *header, struct span data,
                         const char *file, struct err *err)
{
    size_t bytes = 0;
    for (const struct tree *member = header->first; member != NULL; member = member->next) {
        if (span_eq(member->key, SPAN("__metadata__")))
            continue;
        struct tensor *tensor = &list->at[list->count++];
        if (!read_tensor(tensor, member, data, file, err))
            return false;
        bytes += tensor->data.len; /* each within the file, and at most TENSORS_MAX of them */
    }
    if (!tensor_list_check(list, file, err))
        return false;
    if (bytes != data.len)
        return err_set(err, ERR_INVALID, "the tensors leave %zu of %zu bytes after byte %zu unused",
                       data.len - bytes, data.len, (size_t)(data.at - file));
    return true;
}

bool safetensors_parse(struct tensor_list *list, struct arena *arena, struct span file,
                       struct err *err)
{
    uint64_t len;
    const struct tree *header;
    *list = (struct tensor_list){0};
    if (file.len < LENGTH_BYTES)
        return err_set(err, ERR_INVALID, "the file ends at byte %zu, within the header's length",
                       file.len);
    memcpy(&len, file.at, sizeof len);
    len = le64toh(len);
    if (len > SAFETENSORS_HEADER_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a header of %llu bytes; at most %d at byte 0",
                       (unsigned long long)len, SAFETENSORS_HEADER_BYTES_MAX);
    if (len > file.len - LENGTH_BYTES)
        return err_set(err, ERR_INVALID, "the file ends at byte %zu, within its header", file.len);
    struct span json = {file.at + LENGTH_BYTES, (size_t)len};
    if (!tree_parse(&header, arena, json, err))
        return false;
    if (header->type != TREE_OBJECT || header->count > TENSORS_MAX)
        return err_set(err, ERR_INVALID, "the header must be an object of at most %d tensors",
                       TENSORS_MAX);
    list->at = arena_array(arena, struct tensor, (size_t)header->count + 1);
    struct span data = {json.at + json.len, file.len - LENGTH_BYTES - json.len};
    return read_tensors(list, header, data, file.at, err);
}

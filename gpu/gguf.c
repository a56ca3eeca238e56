#include "gpu/gguf.h"

#include <endian.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/utf8.h"

enum { ALIGNMENT_DEFAULT = 32, ALIGNMENT_MAX = 1 << 20, VALUE_BYTES_MIN = 8 + 4 + 1 };

/* The part of the file not yet read. */
struct reader {
    const char *start, *at, *end;
};

static const uint8_t sizes[] = {
    [GGUF_U8] = 1,  [GGUF_I8] = 1,   [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
    [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8};

/* The byte at which something is wrong. */
static unsigned long long offset(const struct reader *reader)
{
    return (unsigned long long)(reader->at - reader->start);
}

static uint64_t left(const struct reader *reader)
{
    return (uint64_t)(reader->end - reader->at);
}

static bool read_bytes(struct reader *reader, struct span *out, uint64_t len, struct err *err)
{
    if (len > left(reader))
        return err_set(err, ERR_INVALID, "%llu bytes wanted at byte %llu, where %llu are left",
                       (unsigned long long)len, offset(reader), (unsigned long long)left(reader));
    *out = (struct span){reader->at, (size_t)len};
    reader->at += len;
    return true;
}

static bool read_u32(struct reader *reader, uint32_t *out, struct err *err)
{
    struct span bytes;
    if (!read_bytes(reader, &bytes, sizeof *out, err))
        return false;
    memcpy(out, bytes.at, sizeof *out);
    *out = le32toh(*out);
    return true;
}

static bool read_u64(struct reader *reader, uint64_t *out, struct err *err)
{
    struct span bytes;
    if (!read_bytes(reader, &bytes, sizeof *out, err))
        return false;
    memcpy(out, bytes.at, sizeof *out);
    *out = le64toh(*out);
    return true;
}

static bool read_string(struct reader *reader, struct span *out, struct err *err)
{
    uint64_t len;
    return read_u64(reader, &len, err) && read_bytes(reader, out, len, err);
}

static bool read_name(struct reader *reader, struct span *out, size_t max, struct err *err)
{
    unsigned long long where = offset(reader);
    if (!read_string(reader, out, err))
        return false;
    if (out->len == 0 || out->len > max)
        return err_set(err, ERR_INVALID, "a name of %zu bytes at byte %llu; 1 to %zu expected",
                       out->len, where, max);
    for (const char *at = out->at; at < out->at + out->len;) {
        size_t size = utf8_size(at, out->at + out->len);
        if (size == 0)
            return err_set(err, ERR_INVALID, "a name that is not UTF-8 at byte %llu", where);
        at += size;
    }
    return true;
}

/* The count of items, which are checked to be there. */
static bool read_items(struct reader *reader, struct gguf_value *value, struct err *err)
{
    const char *begin = reader->at;
    struct span item;
    uint64_t bytes;
    if (value->type != GGUF_STRING) {
        if (__builtin_mul_overflow(value->count, (uint64_t)sizes[value->type], &bytes))
            bytes = UINT64_MAX; /* too many, as read_bytes will say */
        return read_bytes(reader, &value->bytes, bytes, err);
    }
    for (uint64_t i = 0; i < value->count; i++) /* each has eight bytes at least, or ends it */
        if (!read_string(reader, &item, err))
            return false;
    value->bytes = (struct span){begin, (size_t)(reader->at - begin)};
    return true;
}

static bool read_type(struct reader *reader, enum gguf_type *type, struct err *err)
{
    unsigned long long where = offset(reader);
    uint32_t number;
    if (!read_u32(reader, &number, err))
        return false;
    if (number > GGUF_F64)
        return err_set(err, ERR_INVALID, "a value of type %u at byte %llu", number, where);
    *type = (enum gguf_type)number;
    return true;
}

static bool read_value(struct reader *reader, struct gguf_value *value, struct err *err)
{
    value->count = 1;
    if (!read_name(reader, &value->key, GGUF_KEY_BYTES_MAX, err) ||
        !read_type(reader, &value->type, err))
        return false;
    value->is_array = value->type == GGUF_ARRAY;
    if (value->is_array) {
        if (!read_type(reader, &value->type, err) || !read_u64(reader, &value->count, err))
            return false;
        if (value->type == GGUF_ARRAY)
            return err_set(err, ERR_UNSUPPORTED, "an array of arrays before byte %llu",
                           offset(reader));
    }
    return read_items(reader, value, err);
}

static int by_key(const void *a, const void *b)
{
    const struct gguf_value *left_value = a;
    const struct gguf_value *right_value = b;
    struct span left_key = left_value->key;
    struct span right_key = right_value->key;
    size_t len = left_key.len < right_key.len ? left_key.len : right_key.len;
    int order = memcmp(left_key.at, right_key.at, len);
    if (order != 0)
        return order;
    return (left_key.len > right_key.len) - (left_key.len < right_key.len);
}

static bool read_values(struct gguf *gguf, struct arena *arena, struct reader *reader,
                        uint64_t count, struct err *err)
{
    if (count > GGUF_VALUES_MAX || count > left(reader) / VALUE_BYTES_MIN)
        return err_set(err, ERR_INVALID,
                       "%llu keys at byte 16; at most %d, as far as the file goes",
                       (unsigned long long)count, GGUF_VALUES_MAX);
    gguf->values = arena_array(arena, struct gguf_value, (size_t)count + 1);
    gguf->value_count = (uint32_t)count;
    for (uint64_t i = 0; i < count; i++)
        if (!read_value(reader, &gguf->values[i], err))
            return false;
    qsort(gguf->values, gguf->value_count, sizeof *gguf->values, by_key);
    for (uint32_t i = 1; i < gguf->value_count; i++)
        if (span_eq(gguf->values[i - 1].key, gguf->values[i].key))
            return err_set(err, ERR_INVALID, "two values for '%s'",
                           scan_word(gguf->values[i].key).at);
    return true;
}

static bool read_tensor_type(struct tensor *tensor, uint32_t type, struct err *err)
{
    static const struct {
        uint32_t number;
        enum dtype type;
    } types[] = {{0, DTYPE_F32},  {1, DTYPE_F16},  {2, DTYPE_Q4},   {8, DTYPE_Q8},
                 {12, DTYPE_Q4K}, {14, DTYPE_Q6K}, {24, DTYPE_I8},  {25, DTYPE_I16},
                 {26, DTYPE_I32}, {27, DTYPE_I64}, {28, DTYPE_F64}, {30, DTYPE_BF16}};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (types[i].number == type) {
            tensor->type = types[i].type;
            return true;
        }
    return err_set(err, ERR_UNSUPPORTED,
                   "'%s' is of type %u; F32, F16, BF16, Q8_0, Q4_0, Q4_K and Q6_K are known",
                   scan_word(tensor->name).at, type);
}

static bool read_shape(struct reader *reader, struct tensor *tensor, struct err *err)
{
    unsigned long long where = offset(reader);
    uint32_t dims;
    if (!read_u32(reader, &dims, err))
        return false;
    if (dims > TENSOR_DIMS_MAX)
        return err_set(err, ERR_INVALID, "'%s' has %u dimensions at byte %llu; at most %d",
                       scan_word(tensor->name).at, dims, where, TENSOR_DIMS_MAX);
    tensor->dims = dims;
    for (uint32_t i = 0; i < TENSOR_DIMS_MAX; i++)
        tensor->shape[i] = 1;
    for (uint32_t i = dims; i-- > 0;)
        if (!read_u64(reader, &tensor->shape[i], err))
            return false;
    return true;
}

/* The size alone is known so far: where the data begins is not. */
static bool size_tensor(struct tensor *tensor, unsigned long long where, struct err *err)
{
    uint64_t elements;
    uint64_t bytes;
    uint64_t row = tensor->dims == 0 ? 1 : tensor->shape[tensor->dims - 1];
    if (!tensor_elements(&elements, tensor) || elements == 0 ||
        row % dtype_block(tensor->type).elements != 0 ||
        !dtype_bytes(&bytes, tensor->type, elements))
        return err_set(err, ERR_INVALID, "'%s': its shape at byte %llu is impossible for %s",
                       scan_word(tensor->name).at, where, dtype_name(tensor->type));
    tensor->data.len = (size_t)bytes;
    return true;
}

static bool read_tensor(struct reader *reader, struct tensor *tensor, uint64_t *place,
                        struct err *err)
{
    uint32_t type;
    if (!read_name(reader, &tensor->name, TENSOR_NAME_BYTES_MAX, err))
        return false;
    unsigned long long where = offset(reader);
    return read_shape(reader, tensor, err) && read_u32(reader, &type, err) &&
           read_u64(reader, place, err) && read_tensor_type(tensor, type, err) &&
           size_tensor(tensor, where, err);
}

static bool read_alignment(const struct gguf *gguf, uint64_t *alignment, struct err *err)
{
    const struct gguf_value *value = gguf_find(gguf, "general.alignment");
    *alignment = ALIGNMENT_DEFAULT;
    if (value != NULL &&
        (!gguf_integer(value, alignment, ALIGNMENT_MAX) || *alignment == 0 || *alignment % 8 != 0))
        return err_set(err, ERR_INVALID, "general.alignment must be a multiple of 8, at most %d",
                       ALIGNMENT_MAX);
    return true;
}

static bool place_tensor(struct tensor *tensor, uint64_t place, uint64_t alignment,
                         const struct reader *data, struct err *err)
{
    if (place % alignment != 0)
        return err_set(err, ERR_INVALID, "'%s' lies at %llu, no multiple of %llu",
                       scan_word(tensor->name).at, (unsigned long long)place,
                       (unsigned long long)alignment);
    if (place > left(data) || tensor->data.len > left(data) - place)
        return err_set(err, ERR_INVALID, "'%s': %zu bytes, %llu after byte %llu, end past the file",
                       scan_word(tensor->name).at, tensor->data.len, (unsigned long long)place,
                       offset(data));
    tensor->data.at = data->at + place;
    return true;
}

static bool read_tensors(struct gguf *gguf, struct arena *arena, struct reader *reader,
                         uint64_t count, struct err *err)
{
    uint64_t alignment;
    if (count > TENSORS_MAX || count > left(reader) / (8 + 4 + 4 + 8))
        return err_set(err, ERR_INVALID,
                       "%llu tensors at byte 8; at most %d, as far as the file goes",
                       (unsigned long long)count, TENSORS_MAX);
    gguf->tensors.at = arena_array(arena, struct tensor, (size_t)count + 1);
    gguf->tensors.count = (uint32_t)count;
    uint64_t *places = arena_array(arena, uint64_t, (size_t)count + 1);
    for (uint64_t i = 0; i < count; i++)
        if (!read_tensor(reader, &gguf->tensors.at[i], &places[i], err))
            return false;
    if (!read_alignment(gguf, &alignment, err))
        return false;
    uint64_t padding = (alignment - offset(reader) % alignment) % alignment;
    reader->at += padding < left(reader) ? padding : left(reader);
    for (uint64_t i = 0; i < count; i++)
        if (!place_tensor(&gguf->tensors.at[i], places[i], alignment, reader, err))
            return false;
    return tensor_list_check(&gguf->tensors, reader->start, err);
}

bool gguf_is(struct span file)
{
    return file.len >= 4 && memcmp(file.at, "GGUF", 4) == 0;
}

bool gguf_parse(struct gguf *gguf, struct arena *arena, struct span file, struct err *err)
{
    struct reader reader = {file.at, file.at, file.at + file.len};
    uint64_t tensor_count;
    uint64_t value_count;
    uint64_t files = 0;
    *gguf = (struct gguf){0};
    if (!gguf_is(file))
        return err_set(err, ERR_INVALID, "no GGUF file: it does not begin so at byte 0");
    reader.at += 4;
    if (!read_u32(&reader, &gguf->version, err))
        return false;
    if (gguf->version != 2 && gguf->version != 3)
        return err_set(err, ERR_UNSUPPORTED, "GGUF version %u at byte 4; 2 and 3 are known%s",
                       gguf->version, gguf->version >> 16 != 0 ? ", both little-endian" : "");
    if (!read_u64(&reader, &tensor_count, err) || !read_u64(&reader, &value_count, err) ||
        !read_values(gguf, arena, &reader, value_count, err))
        return false;
    if (gguf_integer(gguf_find(gguf, "split.count"), &files, UINT64_MAX) && files > 1)
        return err_set(err, ERR_UNSUPPORTED, "one of %llu files of a model; merge them first",
                       (unsigned long long)files);
    return read_tensors(gguf, arena, &reader, tensor_count, err);
}

const struct gguf_value *gguf_find(const struct gguf *gguf, const char *key)
{
    struct gguf_value wanted = {.key = {key, strlen(key)}};
    return bsearch(&wanted, gguf->values, gguf->value_count, sizeof wanted, by_key);
}

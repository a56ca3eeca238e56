#include "gpu/dtype.h"

#define ROW(type, name, elements, bytes) [type] = {elements, bytes},
static const struct dtype_block blocks[] = {DTYPES(ROW)};
#undef ROW

#define ROW(type, name, elements, bytes) [type] = (name),
static const char *const names[] = {DTYPES(ROW)};
#undef ROW

struct dtype_block dtype_block(enum dtype type)
{
    return blocks[type];
}

const char *dtype_name(enum dtype type)
{
    return names[type];
}

bool dtype_bytes(uint64_t *bytes, enum dtype type, uint64_t count)
{
    struct dtype_block block = blocks[type];
    return count % block.elements == 0 &&
           !__builtin_mul_overflow(count / block.elements, (uint64_t)block.bytes, bytes) &&
           *bytes <= INT64_MAX;
}

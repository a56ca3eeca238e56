#include "shared/varint.h"

#include "shared/text.h"

enum { DIGIT_BITS = 7, DIGIT = 0x7f, MORE = 0x80 };

void varint_add(struct text *out, uint64_t value)
{
    char bytes[VARINT_BYTES_MAX];
    size_t begin = sizeof bytes - 1;
    bytes[begin] = (char)(value & DIGIT);
    while ((value >>= DIGIT_BITS) != 0)
        bytes[--begin] = (char)(MORE | (value & DIGIT));
    text_add(out, (struct span){bytes + begin, sizeof bytes - begin});
}

bool varint_take(uint64_t *value, struct span *bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes->len; i++) {
        uint8_t byte = (uint8_t)bytes->at[i];
        if ((i == 0 && byte == MORE) || sum > UINT64_MAX >> DIGIT_BITS)
            return false;
        sum = sum << DIGIT_BITS | (byte & DIGIT);
        if ((byte & MORE) != 0)
            continue;
        *value = sum;
        *bytes = (struct span){bytes->at + i + 1, bytes->len - i - 1};
        return true;
    }
    return false;
}

#include "gpu/crc32c.h"

/* What four bits that fall out leave behind. */
static const uint32_t left[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t add_nibbles(uint32_t crc, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (uint8_t)bytes.at[i];
        crc = crc >> 4 ^ left[crc & 15];
        crc = crc >> 4 ^ left[crc & 15];
    }
    return crc;
}

#ifdef __x86_64__
/* Processors have had this very sum as an instruction since 2008. */
__attribute__((target("sse4.2"))) static uint32_t add_words(uint32_t crc, struct span bytes)
{
    uint64_t sum = crc;
    size_t whole = bytes.len & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        unsigned long long word;
        memcpy(&word, bytes.at + i, sizeof word);
        sum = __builtin_ia32_crc32di(sum, word);
    }
    return add_nibbles((uint32_t)sum, (struct span){bytes.at + whole, bytes.len - whole});
}

static uint32_t add(uint32_t crc, struct span bytes)
{
    return __builtin_cpu_supports("sse4.2") ? add_words(crc, bytes) : add_nibbles(crc, bytes);
}
#else
static uint32_t add(uint32_t crc, struct span bytes)
{
    return add_nibbles(crc, bytes);
}
#endif

uint32_t crc32c(uint32_t before, struct span bytes)
{
    return ~add(~before, bytes);
}

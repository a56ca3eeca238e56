/* word.h - makes bech32 words of any content with a right checksum, to test what reads them.
 *
 * Written against BIP-173 apart from shared/bech32, as polynomials bit by bit rather than by
 * table, so that one checks the other.
 */
#pragma once

#include <stdint.h>
#include <string.h>

/* Adds a value's five bits to the remainder of a division in GF(32), a degree at a time. */
static inline uint32_t word_divide(uint32_t remainder, uint32_t value)
{
    /* BIP-173: the generator's coefficients times 1, 2, 4, 8, 16 */
    static const uint32_t multiples[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint64_t shifted = (uint64_t)remainder << 5 ^ value;
    for (uint32_t i = 0; i < 5; i++)
        if ((shifted >> (30 + i) & 1) != 0)
            shifted ^= (uint64_t)1 << (30 + i) ^ multiples[i];
    return (uint32_t)shifted;
}

/* word: room for prefix, "1", the values, 6 and a NUL. values: each below 32. */
static inline void word_write(char *word, const char *prefix, const uint8_t *values, size_t count)
{
    static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    size_t len = strlen(prefix);
    uint32_t remainder = 1;
    for (size_t i = 0; i < len; i++)
        remainder = word_divide(remainder, (uint32_t)prefix[i] >> 5);
    remainder = word_divide(remainder, 0);
    for (size_t i = 0; i < len; i++)
        remainder = word_divide(remainder, (uint32_t)prefix[i] & 31);
    memcpy(word, prefix, len);
    word += len;
    *word++ = '1';
    for (size_t i = 0; i < count; i++) {
        remainder = word_divide(remainder, values[i]);
        *word++ = alphabet[values[i]];
    }
    for (size_t i = 0; i < 6; i++)
        remainder = word_divide(remainder, 0);
    for (size_t i = 6; i-- > 0;)
        *word++ = alphabet[(remainder ^ 1) >> 5 * i & 31];
    *word = '\0';
}

/* The bytes as values, the last padded with zeroes; returns how many. */
static inline size_t word_values(uint8_t *values, const uint8_t *bytes, size_t len)
{
    size_t count = (len * 8 + 4) / 5;
    memset(values, 0, count);
    for (size_t bit = 0; bit < len * 8; bit++)
        if ((bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            values[bit / 5] |= (uint8_t)(16 >> bit % 5);
    return count;
}

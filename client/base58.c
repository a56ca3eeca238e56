#include "client/base58.h"

#include <assert.h>

#include "shared/text.h"

static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

enum { BASE = sizeof alphabet - 1 };

/* Digits of a number in another base, the least significant first: number * from + carry. */
static size_t push(uint8_t *digits, size_t count, uint32_t from, uint32_t to, uint32_t carry)
{
    for (size_t i = 0; i < count; i++) {
        carry += digits[i] * from;
        digits[i] = (uint8_t)(carry % to);
        carry /= to;
    }
    for (; carry > 0; carry /= to)
        digits[count++] = (uint8_t)(carry % to);
    return count;
}

void base58_encode(struct text *out, const uint8_t *bytes, size_t count)
{
    uint8_t digits[BASE58_CHARS_MAX];
    size_t digit_count = 0;
    assert(count <= BASE58_BYTES_MAX);
    for (size_t i = 0; i < count; i++)
        digit_count = push(digits, digit_count, 256, BASE, bytes[i]);
    for (size_t i = 0; i < count && bytes[i] == 0; i++)
        text_add(out, (struct span){alphabet, 1});
    while (digit_count > 0)
        text_add(out, (struct span){&alphabet[digits[--digit_count]], 1});
}

bool base58_decode(uint8_t *out, size_t size, struct span chars)
{
    uint8_t bytes[BASE58_CHARS_MAX];
    size_t count = 0, zeroes = 0;
    assert(size <= BASE58_BYTES_MAX);
    if (chars.len > BASE58_CHARS_MAX)
        return false;
    for (size_t i = 0; i < chars.len; i++) {
        const char *found = memchr(alphabet, chars.at[i], BASE);
        if (found == NULL)
            return false;
        count = push(bytes, count, BASE, 256, (uint32_t)(found - alphabet));
        zeroes += count == 0; /* a leading digit 0 is a byte 0 */
    }
    if (zeroes + count != size)
        return false;
    memset(out, 0, zeroes);
    for (size_t i = 0; i < count; i++)
        out[zeroes + i] = bytes[count - 1 - i];
    return true;
}

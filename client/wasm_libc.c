/* wasm_libc.c - what of the C library the core needs: memory, strings, sorting, base64. */
#include <sodium.h>
#include <stdlib.h>

#include "client/wasm.h"

/* The names, and what is const, are the standard's.
 * NOLINTBEGIN(readability-inconsistent-declaration-parameter-name,performance-no-int-to-ptr,
 *             readability-function-size) */

/* ---- memory: blocks of powers of two, each kept for the next of its size ---- */

enum { BLOCK_BITS_MIN = 5, BLOCK_BITS_MAX = 26, HEADER_BYTES = 16 };

struct block {
    struct block *next; /* while it is free */
    uint32_t bits;      /* of its size, with this header */
};

static _Alignas(HEADER_BYTES) uint8_t heap[WASM_HEAP_BYTES];
static size_t heap_used;
static struct block *unused[BLOCK_BITS_MAX + 1];

void *malloc(size_t size)
{
    uint32_t bits = BLOCK_BITS_MIN;
    while (bits < BLOCK_BITS_MAX && ((size_t)1 << bits) - HEADER_BYTES < size)
        bits++;
    size_t whole = (size_t)1 << bits;
    struct block *block = unused[bits];
    if (size > whole - HEADER_BYTES)
        return NULL;
    if (block != NULL) {
        unused[bits] = block->next;
    } else {
        if (whole > sizeof heap - heap_used)
            return NULL;
        block = (struct block *)(void *)&heap[heap_used];
        heap_used += whole;
    }
    block->bits = bits;
    return (uint8_t *)block + HEADER_BYTES;
}

static struct block *block_of(void *at)
{
    return (struct block *)(void *)((uint8_t *)at - HEADER_BYTES);
}

void free(void *at)
{
    if (at == NULL)
        return;
    struct block *block = block_of(at);
    block->next = unused[block->bits];
    unused[block->bits] = block;
}

void *calloc(size_t count, size_t size)
{
    size_t all;
    if (__builtin_mul_overflow(count, size, &all))
        return NULL;
    void *at = malloc(all);
    return at != NULL ? memset(at, 0, all) : NULL;
}

void *realloc(void *at, size_t size)
{
    size_t had = at != NULL ? ((size_t)1 << block_of(at)->bits) - HEADER_BYTES : 0;
    if (at != NULL && size <= had)
        return at;
    void *moved = malloc(size);
    if (moved == NULL)
        return NULL;
    if (had > 0)
        memcpy(moved, at, had);
    free(at);
    return moved;
}

_Noreturn void abort(void)
{
    __builtin_trap();
}

/* ---- bytes and text ---- */

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    for (size_t i = 0; i < size; i++)
        out[i] = in[i];
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    for (size_t i = 0; i < size && out < in; i++)
        out[i] = in[i];
    for (size_t i = size; i > 0 && out > in; i--)
        out[i - 1] = in[i - 1];
    return to;
}

void *memset(void *at, int byte, size_t size)
{
    uint8_t *out = at;
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)byte;
    return at;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *one = a, *other = b;
    for (size_t i = 0; i < size; i++)
        if (one[i] != other[i])
            return one[i] < other[i] ? -1 : 1;
    return 0;
}

void *memchr(const void *at, int byte, size_t size)
{
    uint8_t *in = (uint8_t *)(uintptr_t)at;
    for (size_t i = 0; i < size; i++)
        if (in[i] == (uint8_t)byte)
            return &in[i];
    return NULL;
}

void *memmem(const void *at, size_t size, const void *what, size_t what_size)
{
    uint8_t *in = (uint8_t *)(uintptr_t)at;
    for (size_t i = 0; what_size <= size && i <= size - what_size; i++)
        if (memcmp(&in[i], what, what_size) == 0)
            return &in[i];
    return NULL;
}

size_t strlen(const char *text)
{
    size_t len = 0;
    while (text[len] != '\0')
        len++;
    return len;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

char *strchr(const char *text, int c)
{
    char *at = (char *)(uintptr_t)text;
    while (*at != (char)c && *at != '\0')
        at++;
    return *at == (char)c ? at : NULL;
}

/* ---- sorting: a heap, whose worst case is its usual one ---- */

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

struct sorting {
    uint8_t *base;
    size_t size;
    int (*compare)(const void *, const void *);
};

static void sift(const struct sorting *sorting, size_t at, size_t count)
{
    uint8_t *base = sorting->base;
    size_t size = sorting->size;
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count &&
            sorting->compare(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (sorting->compare(base + at * size, base + child * size) >= 0)
            return;
        swap(base + at * size, base + child * size, size);
        at = child;
    }
}

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    const struct sorting sorting = {base, size, compare};
    for (size_t i = count / 2; i > 0; i--)
        sift(&sorting, i - 1, count);
    for (size_t i = count; i > 1; i--) {
        swap(sorting.base, sorting.base + (i - 1) * size, size);
        sift(&sorting, 0, i - 1);
    }
}

/* ---- what clang calls for products of 64 bits that may overflow ---- */

struct wide {
    uint64_t low, high;
};

void multiply(struct wide *out, uint64_t a, uint64_t a_high, uint64_t b,
              uint64_t b_high) __asm__("__multi3");
void multiply(struct wide *out, uint64_t a, uint64_t a_high, uint64_t b, uint64_t b_high)
{
    uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    uint64_t middle = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    uint64_t other = (a & UINT32_MAX) * (b >> 32) + (middle & UINT32_MAX);
    out->low = other << 32 | (low & UINT32_MAX);
    out->high = (a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32) + a * b_high + a_high * b;
}

/* ---- base64 ---- */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int sodium_base642bin(unsigned char *out, size_t max, const char *text, size_t len,
                      const char *ignored, size_t *out_len, const char **end, int variant)
{
    uint32_t bits = 0;
    size_t made = 0, pads = 0;
    (void)ignored;
    (void)end;
    (void)variant;
    while (pads < 2 && pads < len && text[len - 1 - pads] == '=')
        pads++;
    for (size_t i = 0; i < len - pads; i++) {
        const char *letter = text[i] != '\0' ? strchr(letters, text[i]) : NULL;
        if (letter == NULL)
            return -1;
        bits = bits << 6 | (uint32_t)(letter - letters);
        if (i % 4 == 0)
            continue;
        if (made == max)
            return -1;
        out[made++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    *out_len = made;
    /* Nothing is left over: neither a digit alone, nor bits behind the last byte. */
    uint32_t rest = pads == 1 ? 3 : pads == 2 ? 15 : 0;
    return len % 4 == 0 && (bits & rest) == 0 ? 0 : -1;
}

size_t sodium_base64_encoded_len(size_t len, int variant)
{
    (void)variant;
    return (len + 2) / 3 * 4 + 1;
}

char *sodium_bin2base64(char *out, size_t max, const unsigned char *bytes, size_t len, int variant)
{
    char *at = out;
    if (max < sodium_base64_encoded_len(len, variant))
        abort();
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? bytes[i + 2] : 0);
        *at++ = letters[three >> 18];
        *at++ = letters[three >> 12 & 63];
        *at++ = left > 1 ? letters[three >> 6 & 63] : '=';
        *at++ = left > 2 ? letters[three & 63] : '=';
    }
    *at = '\0';
    return out;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name,performance-no-int-to-ptr,
 *           readability-function-size) */

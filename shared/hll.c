#include "shared/hll.h"

#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { KEY_CHARS = 64, PLACE = 16 /* the byte whose first digit is the 33rd of the key */ };

/* The key in "kind:key:identifier"; what has more colons is no address to those who deployed it
 * first. */
static bool read_address(struct bytes32 *key, struct span value)
{
    const char *first = memchr(value.at, ':', value.len);
    if (first == NULL)
        return false;
    const char *end = value.at + value.len;
    const char *second = memchr(first + 1, ':', (size_t)(end - first) - 1);
    return second != NULL && memchr(second + 1, ':', (size_t)(end - second) - 1) == NULL &&
           hex_decode(key->at, sizeof key->at,
                      (struct span){first + 1, (size_t)(second - first) - 1});
}

bool hll_begin(struct hll *hll, const struct filter *filter)
{
    *hll = (struct hll){0};
    if (filter->tag_count != 1 || filter->tags[0].count != 1 || filter->authors.count > 0)
        return false;
    struct span value = filter->tags[0].values[0];
    struct bytes32 key;
    bool is_key = value.len == KEY_CHARS && hex_decode(key.at, sizeof key.at, value);
    if (!is_key && (value.len == 0 || !read_address(&key, value)))
        key = sig_sha256(value);
    hll->offset = (uint8_t)(HLL_OFFSET_MIN + (key.at[PLACE] >> 4));
    return true;
}

/* Seven bytes behind the register's are looked at, as the deployed implementations do. */
void hll_add(struct hll *hll, const struct bytes32 *pubkey)
{
    const uint8_t *at = &pubkey->at[hll->offset];
    uint64_t bits = 1 << 7; /* ends the run of zeros behind the last byte */
    for (int i = 1; i < 8; i++)
        bits |= (uint64_t)at[i] << (64 - 8 * i);
    uint8_t value = (uint8_t)(__builtin_clzll(bits) + 1);
    if (value > hll->registers[at[0]])
        hll->registers[at[0]] = value;
}

void hll_write(struct text *out, const struct hll *hll)
{
    text_add_hex(out, hll->registers, sizeof hll->registers);
}

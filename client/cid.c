#include "client/cid.h"

#include "shared/err.h"
#include "shared/text.h"

enum { PREFIX_MAX = 5, CID_BYTES_MAX = PREFIX_MAX + 32 };

/* Version 1, the codec as a varint, then sha2-256 and its 32 bytes of digest. */
static const struct {
    uint8_t at[PREFIX_MAX];
    size_t len;
} prefixes[] = {
    [CID_RAW] = {{0x01, 0x55, 0x12, 0x20}, 4},
    [CID_JSON] = {{0x01, 0x80, 0x04, 0x12, 0x20}, 5},
    [CID_DAG_JSON] = {{0x01, 0xa9, 0x02, 0x12, 0x20}, 5},
};

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

void cid_write(struct text *out, const struct bytes32 *id, enum cid_codec codec)
{
    uint8_t bytes[CID_BYTES_MAX];
    size_t len = prefixes[codec].len;
    memcpy(bytes, prefixes[codec].at, len);
    memcpy(bytes + len, id->at, sizeof id->at);
    len += sizeof id->at;

    text_add(out, SPAN("b"));
    uint32_t bits = 0, bit_count = 0;
    for (size_t i = 0; i < len; i++) {
        bits = (bits & 0xf) << 8 | bytes[i]; /* at most 4 bits wait from before */
        for (bit_count += 8; bit_count >= 5; bit_count -= 5)
            text_add(out, (struct span){&alphabet[bits >> (bit_count - 5) & 31], 1});
    }
    if (bit_count > 0)
        text_add(out, (struct span){&alphabet[bits << (5 - bit_count) & 31], 1});
}

/* False when chars are not base32 of at most CID_BYTES_MAX bytes. */
static bool read_base32(uint8_t *bytes, size_t *len, struct span chars)
{
    uint32_t bits = 0, bit_count = 0;
    *len = 0;
    if (chars.len * 5 / 8 > CID_BYTES_MAX)
        return false;
    for (size_t i = 0; i < chars.len; i++) {
        const char *found = memchr(alphabet, chars.at[i], sizeof alphabet - 1);
        if (found == NULL)
            return false;
        bits = (bits & 0x7f) << 5 | (uint32_t)(found - alphabet);
        bit_count += 5;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[(*len)++] = (uint8_t)(bits >> bit_count);
        }
    }
    return bit_count < 5 && (bits & ((1U << bit_count) - 1)) == 0;
}

bool cid_parse(struct bytes32 *id, struct span word, struct err *err)
{
    uint8_t bytes[CID_BYTES_MAX];
    size_t len;
    if (word.len == 0 || word.at[0] != 'b' ||
        !read_base32(bytes, &len, (struct span){word.at + 1, word.len - 1}))
        return err_set(err, ERR_INVALID, "expected a CID of version 1 in base32: bafkrei...");
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        size_t prefix_len = prefixes[i].len;
        if (len == prefix_len + sizeof id->at && memcmp(bytes, prefixes[i].at, prefix_len) == 0) {
            memcpy(id->at, bytes + prefix_len, sizeof id->at);
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "a CID, but not of an event: raw, json or dag-json, sha2-256");
}

#include "shared/fingerprint.h"

#include <endian.h>

#include "shared/sig.h"
#include "shared/text.h"
#include "shared/varint.h"

void fingerprint_add(struct fingerprint_sum *sum, const struct bytes32 *id)
{
    bool carry = false;
    for (size_t i = 0; i < FINGERPRINT_LIMBS; i++) {
        uint64_t limb;
        memcpy(&limb, id->at + i * sizeof limb, sizeof limb);
        bool over = __builtin_add_overflow(sum->limbs[i], le64toh(limb), &sum->limbs[i]);
        carry = __builtin_add_overflow(sum->limbs[i], (uint64_t)carry, &sum->limbs[i]) || over;
    }
    sum->count++;
}

struct fingerprint fingerprint_of(const struct fingerprint_sum *sum)
{
    struct text text = {0};
    struct fingerprint fingerprint;
    for (size_t i = 0; i < FINGERPRINT_LIMBS; i++) {
        uint64_t limb = htole64(sum->limbs[i]);
        text_add(&text, SPAN_OF(limb));
    }
    varint_add(&text, sum->count);
    struct bytes32 hash = sig_sha256(text_span(&text));
    memcpy(fingerprint.at, hash.at, sizeof fingerprint.at);
    text_clear(&text);
    return fingerprint;
}

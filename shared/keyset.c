#include "shared/keyset.h"

#include <inttypes.h>

#include "shared/sig.h"
#include "shared/text.h"

enum { VERSION = 1, PARTS = 1000 };

struct bytes33 keyset_id(const struct keyset *keyset)
{
    struct text text = {0};
    struct bytes33 id = {{VERSION}};
    for (uint32_t i = 0; i < keyset->count; i++) {
        const struct keyset_key *key = &keyset->keys[i];
        text_addf(&text, "%s%" PRIu64 ":", i > 0 ? "," : "", key->amount);
        text_add_hex(&text, key->public_key.at, sizeof key->public_key.at);
    }
    text_addf(&text, "|unit:%.*s", SPAN_ARG(keyset->unit));
    if (keyset->input_fee_ppk > 0)
        text_addf(&text, "|input_fee_ppk:%" PRIu32, keyset->input_fee_ppk);
    if (keyset->final_expiry > 0)
        text_addf(&text, "|final_expiry:%" PRId64, keyset->final_expiry);
    struct bytes32 hash = sig_sha256(text_span(&text));
    memcpy(id.at + 1, hash.at, sizeof hash.at);
    text_clear(&text);
    return id;
}

uint64_t keyset_fee(const struct keyset *keyset, uint32_t inputs)
{
    return ((uint64_t)keyset->input_fee_ppk * inputs + PARTS - 1) / PARTS;
}

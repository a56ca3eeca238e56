#include "shared/quote_sig.h"

#include "shared/sig.h"
#include "shared/text.h"

/* The bytes of a number, the highest first, without leading zeroes. */
static struct span trim(uint8_t out[8], uint64_t number)
{
    size_t len = 0;
    for (int shift = 56; shift >= 0; shift -= 8)
        if (len > 0 || number >> shift != 0)
            out[len++] = (uint8_t)(number >> shift);
    return (struct span){(const char *)out, len};
}

static void add_framed(struct text *out, struct span part)
{
    const uint8_t len[] = {(uint8_t)(part.len >> 24), (uint8_t)(part.len >> 16),
                           (uint8_t)(part.len >> 8), (uint8_t)part.len};
    text_add(out, SPAN_OF(len));
    text_add(out, part);
}

struct bytes32 quote_sig_hash(enum quote_sig_form form, struct span quote,
                              const struct quote_sig_output *outputs, uint32_t count)
{
    struct text text = {0};
    bool is_framed = form == QUOTE_SIG_FRAMED;
    if (is_framed) {
        text_add(&text, SPAN("Cashu_MintQuoteSig_v1"));
        add_framed(&text, quote);
    } else {
        text_add(&text, quote);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct quote_sig_output *output = outputs + i;
        uint8_t amount[8];
        if (is_framed) {
            add_framed(&text, trim(amount, output->amount));
            add_framed(&text, SPAN_OF(output->message));
        } else {
            text_add_hex(&text, output->message.at, sizeof output->message.at);
        }
    }
    struct bytes32 hash = sig_sha256(text_span(&text));
    text_clear(&text);
    return hash;
}

bool quote_sig_verify(const struct bytes64 *sig, const struct bytes33 *key, struct span quote,
                      const struct quote_sig_output *outputs, uint32_t count)
{
    struct bytes32 pubkey;
    if (key->at[0] != 2 && key->at[0] != 3)
        return false;
    memcpy(pubkey.at, key->at + 1, sizeof pubkey.at); /* signatures are by x alone */
    for (enum quote_sig_form form = QUOTE_SIG_PLAIN; form <= QUOTE_SIG_FRAMED; form++) {
        struct bytes32 hash = quote_sig_hash(form, quote, outputs, count);
        if (sig_verify(sig, &hash, &pubkey))
            return true;
    }
    return false;
}

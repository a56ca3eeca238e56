#include "gpu/nwc.h"

#include <inttypes.h>
#include <stdio.h>

#include "gpu/tree.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/url.h"

/* ---- who, and where ---- */

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = (char)(c >= 'A' && c <= 'F' ? c | 0x20 : c);
    const char *at = c != '\0' ? strchr(digits, lower) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

/* RFC 3986: %3A is a colon. */
static bool read_relay(char out[NWC_RELAY_CHARS_MAX + 1], struct span text, struct err *err)
{
    struct url url;
    size_t len = 0;
    for (size_t i = 0; i < text.len; len++) {
        bool is_escaped = text.at[i] == '%';
        int high = is_escaped && i + 2 < text.len ? digit_of(text.at[i + 1]) : -1;
        int low = high >= 0 ? digit_of(text.at[i + 2]) : -1;
        if (len == NWC_RELAY_CHARS_MAX || (is_escaped && low < 0))
            return err_set(err, ERR_INVALID, "a connection string with a relay that is none");
        out[len] = text.at[i];
        if (is_escaped)
            out[len] = (char)(high << 4 | low);
        i += is_escaped ? 3 : 1;
    }
    out[len] = '\0';
    return url_parse(&url, (struct span){out, len}, err);
}

static bool begins(struct span text, struct span word)
{
    return text.len >= word.len && memcmp(text.at, word.at, word.len) == 0;
}

static struct span skip(struct span text, size_t count)
{
    return (struct span){text.at + count, text.len - count};
}

static bool read_parameter(struct nwc_place *place, bool *has_secret, struct span text,
                           struct err *err)
{
    if (begins(text, SPAN("secret="))) {
        *has_secret =
            hex_decode(place->secret.at, sizeof place->secret.at, skip(text, SPAN("secret=").len));
        return *has_secret || err_set(err, ERR_INVALID, "a connection string whose secret is none");
    }
    if (!begins(text, SPAN("relay=")) || place->relay_count == NWC_RELAYS_MAX)
        return true; /* such as lud16: of no use here */
    return read_relay(place->relays[place->relay_count++], skip(text, SPAN("relay=").len), err);
}

bool nwc_read_place(struct nwc_place *place, struct span text, struct err *err)
{
    static const struct span scheme = {"nostr+walletconnect://", 22};
    enum { KEY_DIGITS = 64 };
    bool has_secret = false;
    memset(place, 0, sizeof *place);
    if (!begins(text, scheme))
        return err_set(err, ERR_INVALID, "a connection string begins with %s", scheme.at);
    text = skip(text, scheme.len);
    if (text.len <= KEY_DIGITS || text.at[KEY_DIGITS] != '?' ||
        !hex_decode(place->wallet.at, sizeof place->wallet.at, (struct span){text.at, KEY_DIGITS}))
        return err_set(err, ERR_INVALID, "a connection string without the key of a wallet");
    text = skip(text, KEY_DIGITS + 1);
    while (text.len > 0) {
        const char *end = memchr(text.at, '&', text.len);
        size_t len = end != NULL ? (size_t)(end - text.at) : text.len;
        if (!read_parameter(place, &has_secret, (struct span){text.at, len}, err))
            return false;
        text = skip(text, end != NULL ? len + 1 : len);
    }
    return (has_secret && place->relay_count > 0) ||
           err_set(err, ERR_INVALID, "a connection string wants a relay and a secret");
}

bool nwc_seals(const struct event *info)
{
    static const struct span name = {"nip44_v2", 8};
    const struct span *said = event_tag_value(info, SPAN("encryption"));
    struct span rest = said != NULL ? *said : (struct span){0};
    while (rest.len > 0) {
        const char *space = memchr(rest.at, ' ', rest.len);
        size_t len = space != NULL ? (size_t)(space - rest.at) : rest.len;
        if (span_eq((struct span){rest.at, len}, name))
            return true;
        rest = skip(rest, space != NULL ? len + 1 : len);
    }
    return false;
}

/* ---- requests ---- */

void nwc_write_invoice(struct text *out, uint64_t msat, struct span description, uint32_t life_s)
{
    text_addf(out, "{\"method\":\"make_invoice\",\"params\":{\"amount\":%" PRIu64, msat);
    text_add(out, SPAN(",\"description\":"));
    text_add_json(out, description);
    text_addf(out, ",\"expiry\":%u}}", life_s);
}

void nwc_write_pay(struct text *out, struct span invoice)
{
    text_add(out, SPAN("{\"method\":\"pay_invoice\",\"params\":{\"invoice\":"));
    text_add_json(out, invoice);
    text_add(out, SPAN("}}"));
}

void nwc_write_lookup(struct text *out, const struct bytes32 *hash)
{
    text_add(out, SPAN("{\"method\":\"lookup_invoice\",\"params\":{\"payment_hash\":\""));
    text_add_hex(out, hash->at, sizeof hash->at);
    text_add(out, SPAN("\"}}"));
}

/* ---- answers ---- */

static enum nwc_fate fate_of(const struct tree *code)
{
    static const struct {
        const char *code;
        enum nwc_fate fate;
    } fates[] = {{"NOT_FOUND", NWC_MISSING},
                 {"PAYMENT_FAILED", NWC_FAILED},
                 {"RATE_LIMITED", NWC_REFUSED},
                 {"NOT_IMPLEMENTED", NWC_REFUSED},
                 {"INSUFFICIENT_BALANCE", NWC_REFUSED},
                 {"QUOTA_EXCEEDED", NWC_REFUSED},
                 {"RESTRICTED", NWC_REFUSED},
                 {"UNAUTHORIZED", NWC_REFUSED},
                 {"UNSUPPORTED_ENCRYPTION", NWC_REFUSED}};
    for (size_t i = 0; i < ARRAY_LEN(fates); i++)
        if (tree_is(code, fates[i].code))
            return fates[i].fate;
    return NWC_UNKNOWN;
}

/* Services that do not say the state say when it was settled. */
static enum nwc_state state_of(const struct tree *result)
{
    const struct tree *state = tree_get(result, "state");
    uint64_t settled_at = 0;
    if (tree_is(state, "settled"))
        return NWC_SETTLED;
    if (tree_is(state, "failed") || tree_is(state, "expired"))
        return NWC_OVER;
    if (state != NULL)
        return NWC_PENDING;
    return tree_integer(tree_get(result, "settled_at"), &settled_at, INT64_MAX) && settled_at > 0
               ? NWC_SETTLED
               : NWC_UNSAID;
}

static void read_payment(struct nwc_payment *payment, const struct tree *result)
{
    *payment = (struct nwc_payment){.state = state_of(result),
                                    .is_outgoing = tree_is(tree_get(result, "type"), "outgoing"),
                                    .invoice = tree_text(tree_get(result, "invoice")),
                                    .preimage = tree_text(tree_get(result, "preimage"))};
    payment->has_hash = hex_decode(payment->hash.at, sizeof payment->hash.at,
                                   tree_text(tree_get(result, "payment_hash")));
    (void)tree_integer(tree_get(result, "amount"), &payment->msat, INT64_MAX);
    (void)tree_integer(tree_get(result, "fees_paid"), &payment->fees_msat, INT64_MAX);
}

static bool parse(const struct tree **tree, struct arena *arena, struct span text, struct err *err)
{
    return (text.len <= NWC_TEXT_BYTES_MAX ||
            err_set(err, ERR_INVALID, "a message of more than %d bytes", NWC_TEXT_BYTES_MAX)) &&
           tree_parse(tree, arena, text, err);
}

bool nwc_read_answer(struct nwc_answer *answer, struct arena *arena, struct span text,
                     struct err *err)
{
    const struct tree *tree;
    *answer = (struct nwc_answer){.fate = NWC_DONE};
    if (!parse(&tree, arena, text, err))
        return false;
    const struct tree *error = tree_as(tree_get(tree, "error"), TREE_OBJECT);
    const struct tree *result = tree_as(tree_get(tree, "result"), TREE_OBJECT);
    if (error == NULL && result == NULL)
        return err_set(err, ERR_INVALID, "an answer that says nothing");
    if (error == NULL) {
        read_payment(&answer->payment, result);
        return true;
    }
    answer->fate = fate_of(tree_get(error, "code"));
    snprintf(answer->why, sizeof answer->why, "%s %s",
             scan_word(tree_text(tree_get(error, "code"))).at,
             scan_word(tree_text(tree_get(error, "message"))).at);
    return true;
}

bool nwc_read_notification(struct nwc_payment *payment, bool *is_received, struct arena *arena,
                           struct span text, struct err *err)
{
    const struct tree *tree;
    if (!parse(&tree, arena, text, err))
        return false;
    const struct tree *type = tree_get(tree, "notification_type");
    const struct tree *told = tree_as(tree_get(tree, "notification"), TREE_OBJECT);
    *is_received = tree_is(type, "payment_received");
    if (told == NULL || (!*is_received && !tree_is(type, "payment_sent")))
        return err_set(err, ERR_INVALID, "a notification of nothing that was paid");
    read_payment(payment, told);
    return payment->has_hash || err_set(err, ERR_INVALID, "a notification without a hash");
}

/* What a wallet asks of a mint without changing anything. */
#include <inttypes.h>

#include "gpu/fault.h"
#include "gpu/mint_parts.h"
#include "shared/err.h"

/* ---- keysets ---- */

static void write_keys(struct text *out, const struct mint_keyset *keyset)
{
    text_add(out, SPAN(",\"keys\":{"));
    for (uint32_t i = 0; i < MINT_KEYSET_AMOUNTS; i++) {
        const struct keyset_key *key = keyset->public_keys + i;
        text_addf(out, "%s\"%" PRIu64 "\":\"", i > 0 ? "," : "", key->amount);
        text_add_hex(out, key->public_key.at, sizeof key->public_key.at);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("}"));
}

static void write_keyset(struct text *out, const struct mint_keyset *keyset, bool is_active)
{
    text_addf(out, "\"id\":\"%s\",\"unit\":\"%s\",\"active\":%s,\"input_fee_ppk\":%u", keyset->name,
              keyset->unit, is_active ? "true" : "false", keyset->input_fee_ppk);
    if (keyset->final_expiry != 0)
        text_addf(out, ",\"final_expiry\":%" PRId64, keyset->final_expiry);
}

enum choice { CHOOSE_ALL, CHOOSE_ACTIVE, CHOOSE_NAMED };

static bool is_chosen(const struct mint_verb *verb, enum choice choice,
                      const struct mint_keyset *keyset, bool is_active)
{
    switch (choice) {
    case CHOOSE_ALL:
        return true;
    case CHOOSE_ACTIVE:
        return is_active;
    case CHOOSE_NAMED:
        return span_eq(verb->parts[0], (struct span){keyset->name, MINT_KEYSET_ID_CHARS});
    }
    return false;
}

static bool write_keysets(struct mint_verb *verb, enum choice choice)
{
    const struct ledger_keyset *rows;
    uint32_t count, written = 0;
    if (!mint_ring_rows(verb->mint->ring, &verb->arena, &rows, &count, verb->fault))
        return false;
    text_add(verb->out, SPAN("{\"keysets\":["));
    for (uint32_t i = 0; i < count; i++) {
        const struct mint_keyset *keyset;
        if (!mint_ring_at(verb->mint->ring, rows[i].number, &keyset, verb->fault))
            return false;
        if (!is_chosen(verb, choice, keyset, rows[i].is_active))
            continue;
        text_addf(verb->out, "%s{", written++ > 0 ? "," : "");
        write_keyset(verb->out, keyset, rows[i].is_active);
        if (choice != CHOOSE_ALL)
            write_keys(verb->out, keyset);
        text_add(verb->out, SPAN("}"));
    }
    text_add(verb->out, SPAN("]}"));
    return choice != CHOOSE_NAMED || written > 0 ||
           fault_set(verb->fault, FAULT_KEYSET_UNKNOWN, "there is no such keyset here");
}

bool mint_keys(struct mint_verb *verb)
{
    return write_keysets(verb, verb->parts[0].len > 0 ? CHOOSE_NAMED : CHOOSE_ACTIVE);
}

bool mint_keysets(struct mint_verb *verb)
{
    return write_keysets(verb, CHOOSE_ALL);
}

/* ---- the mint itself ---- */

static void write_grants(struct text *out, const struct mint_policy *policy)
{
    text_addf(out,
              "{\"method\":\"grant\",\"unit\":\"" MINT_UNIT_PROMO
              "\",\"options\":{\"pow_bits\":%" PRId64 ",\"stages\":[",
              policy->pow_bits);
    for (uint32_t i = 0; i < MINT_POLICY_STAGES; i++)
        text_addf(out, "%s%" PRId64, i > 0 ? "," : "", policy->stages[i]);
    text_add(out, SPAN("]}}"));
}

static void write_sales(struct text *out, const struct mint *mint, const char *comma)
{
    for (uint32_t i = 0; i < mint->sale_count; i++) {
        const struct mint_sale *sale = mint->sales + i;
        text_addf(out,
                  "%s{\"method\":\"%s\",\"unit\":\"%s\",\"min_amount\":%" PRIu64
                  ",\"max_amount\":%" PRIu64 ",\"options\":{\"description\":true}}",
                  comma, sale->name, sale->unit, sale->amount_min, sale->amount_max);
        comma = ",";
    }
}

static const char *const units[] = {MINT_UNIT_PAID, MINT_UNIT_PROMO};

static bool takes(const struct mint_method *method, const char *unit)
{
    return method->unit == NULL || strcmp(method->unit, unit) == 0;
}

static void write_methods(struct text *out, const struct mint *mint)
{
    const char *comma = "";
    for (uint32_t i = 0; i < mint->method_count; i++)
        for (size_t unit = 0; unit < ARRAY_LEN(units); unit++) {
            const struct mint_method *method = mint->methods + i;
            if (!takes(method, units[unit]))
                continue;
            text_addf(out,
                      "%s{\"method\":\"%s\",\"unit\":\"%s\",\"min_amount\":%" PRIu64
                      ",\"max_amount\":%" PRIu64 "}",
                      comma, method->name, units[unit], method->amount_min, method->amount_max);
            comma = ",";
        }
}

static void write_subscription(struct text *out, const char *method, const char *unit,
                               const char *command)
{
    text_addf(out, "%s{\"method\":\"%s\",\"unit\":\"%s\",\"commands\":[\"proof_state\",\"%s_%s\"]}",
              out->at[out->len - 1] == '[' ? "" : ",", method, unit, method, command);
}

static void write_subscriptions(struct text *out, const struct mint *mint)
{
    text_add(out, SPAN(",\"17\":{\"supported\":["));
    for (size_t unit = 0; unit < ARRAY_LEN(units); unit++) {
        write_subscription(out, "grant", units[unit], "mint_quote");
        for (uint32_t i = 0; i < mint->sale_count; i++)
            if (strcmp(mint->sales[i].unit, units[unit]) == 0)
                write_subscription(out, mint->sales[i].name, units[unit], "mint_quote");
        for (uint32_t i = 0; i < mint->method_count; i++)
            if (takes(mint->methods + i, units[unit]))
                write_subscription(out, mint->methods[i].name, units[unit], "melt_quote");
    }
    text_add(out, SPAN("]}"));
}

/* What is said of the cache: answers are kept as long as what they say is. */
static void write_nuts(struct text *out, const struct mint *mint)
{
    static const char *const posts[] = {"/v1/swap", "/v1/mint/grant"};
    bool grants = mint->policy.day_grant > 0;
    bool issues = grants || mint->sale_count > 0;
    text_add(out, SPAN("{\"4\":{\"methods\":["));
    if (grants)
        write_grants(out, &mint->policy);
    write_sales(out, mint, grants ? "," : "");
    text_addf(out, "],\"disabled\":%s},\"5\":{\"methods\":[", issues ? "false" : "true");
    write_methods(out, mint);
    text_addf(out, "],\"disabled\":%s}", mint->method_count > 0 ? "false" : "true");
    static const int supported[] = {7, 8, 9, 10, 11, 12, 14, 20};
    for (size_t i = 0; i < ARRAY_LEN(supported); i++)
        text_addf(out, ",\"%d\":{\"supported\":true}", supported[i]);
    write_subscriptions(out, mint);
    text_add(out, SPAN(",\"19\":{\"ttl\":null,\"cached_endpoints\":["));
    for (size_t i = 0; i < ARRAY_LEN(posts); i++)
        text_addf(out, "%s{\"method\":\"POST\",\"path\":\"%s\"}", i > 0 ? "," : "", posts[i]);
    for (uint32_t i = 0; i < mint->sale_count; i++)
        text_addf(out, ",{\"method\":\"POST\",\"path\":\"/v1/mint/%s\"}", mint->sales[i].name);
    for (uint32_t i = 0; i < mint->method_count; i++)
        text_addf(out, ",{\"method\":\"POST\",\"path\":\"/v1/melt/%s\"}", mint->methods[i].name);
    text_add(out, SPAN("]}}"));
}

bool mint_info(struct mint_verb *verb)
{
    const struct mint *mint = verb->mint;
    text_add(verb->out, SPAN("{\"name\":"));
    text_add_json(verb->out, (struct span){mint->name, strlen(mint->name)});
    text_add(verb->out, SPAN(","));
    mint_write_point(verb->out, "pubkey", &mint->pubkey);
    text_addf(verb->out,
              ",\"version\":\"Shoal/" SHOAL_VERSION "\",\"time\":%" PRId64 ",\"nuts\":", verb->now);
    write_nuts(verb->out, mint);
    text_add(verb->out, SPAN("}"));
    return true;
}

/* ---- proofs and promises ---- */

bool mint_checkstate(struct mint_verb *verb)
{
    static const char *const names[] = {
        [LEDGER_UNSPENT] = "UNSPENT", [LEDGER_PENDING] = "PENDING", [LEDGER_SPENT] = "SPENT"};
    const struct mint_request *request = &verb->request;
    const struct ledger_seen *seen;
    if (!ledger_states(verb->mint->ledger, &verb->arena, request->ys, request->y_count, &seen,
                       verb->fault))
        return false;
    text_add(verb->out, SPAN("{\"states\":["));
    for (uint32_t i = 0; i < request->y_count; i++) {
        text_addf(verb->out, "%s{", i > 0 ? "," : "");
        mint_write_point(verb->out, "Y", request->ys + i);
        text_addf(verb->out, ",\"state\":\"%s\",\"witness\":", names[seen[i].state]);
        if (seen[i].witness.len > 0)
            text_add_json(verb->out, seen[i].witness);
        else
            text_add(verb->out, SPAN("null"));
        text_add(verb->out, SPAN("}"));
    }
    text_add(verb->out, SPAN("]}"));
    return true;
}

static bool write_outputs(struct mint_verb *verb, const struct ledger_promise *promises,
                          uint32_t count)
{
    text_add(verb->out, SPAN("\"outputs\":["));
    for (uint32_t i = 0; i < count; i++) {
        const struct mint_keyset *keyset;
        if (!mint_ring_at(verb->mint->ring, promises[i].keyset, &keyset, verb->fault))
            return false;
        text_addf(verb->out, "%s{\"amount\":%" PRIu64 ",\"id\":\"%s\",", i > 0 ? "," : "",
                  promises[i].amount, keyset->name);
        mint_write_point(verb->out, "B_", &promises[i].message);
        text_add(verb->out, SPAN("}"));
    }
    text_add(verb->out, SPAN("],"));
    return true;
}

bool mint_restore(struct mint_verb *verb)
{
    uint32_t count = verb->request.output_count;
    struct ledger_found found;
    struct bytes33 *messages = arena_array(&verb->arena, struct bytes33, count);
    for (uint32_t i = 0; i < count; i++)
        messages[i] = verb->request.outputs[i].message;
    if (!ledger_restore(verb->mint->ledger, &verb->arena, messages, count, &found, verb->fault))
        return false;
    text_add(verb->out, SPAN("{"));
    if (!write_outputs(verb, found.promises, found.count) ||
        !mint_write_promises(verb->mint, verb->out, "signatures", found.promises, found.count,
                             verb->fault))
        return false;
    text_add(verb->out, SPAN("}"));
    return true;
}

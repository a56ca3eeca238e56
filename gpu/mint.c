#include "gpu/mint.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gpu/fault.h"
#include "gpu/ledger_audit.h"
#include "gpu/mint_parts.h"
#include "shared/err.h"
#include "shared/sig.h"

enum { STATUS_OK = 200, STATUS_REFUSED = 400, STATUS_NOWHERE = 404, STATUS_AWAY = 503 };

int64_t mint_now(void)
{
    return time(NULL);
}

bool mint_has_unit(struct span unit)
{
    return span_eq(unit, SPAN(MINT_UNIT_PAID)) || span_eq(unit, SPAN(MINT_UNIT_PROMO));
}

/* ---- calls ---- */

struct route {
    const char *method, *path; /* a * stands for one part */
    mint_verb_fn *verb;
};

static const struct route routes[] = {
    {"GET", "/v1/info", mint_info},
    {"GET", "/v1/keys", mint_keys},
    {"GET", "/v1/keys/*", mint_keys},
    {"GET", "/v1/keysets", mint_keysets},
    {"POST", "/v1/swap", mint_swap},
    {"POST", "/v1/checkstate", mint_checkstate},
    {"POST", "/v1/restore", mint_restore},
    {"POST", "/v1/mint/quote/*", mint_quote_new},
    {"GET", "/v1/mint/quote/*/*", mint_quote_look},
    {"POST", "/v1/mint/*", mint_issue},
    {"POST", "/v1/melt/quote/*", mint_melt_quote},
    {"GET", "/v1/melt/quote/*/*", mint_melt_look},
    {"POST", "/v1/melt/*", mint_melt},
};

/* Whether the path is as the pattern says; what stands for each *. */
static bool matches(const char *pattern, const char *path, struct span parts[2])
{
    size_t count = 0;
    parts[0] = parts[1] = (struct span){0};
    while (*pattern != '\0') {
        if (*pattern != '*') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t len = strcspn(path, "/");
        if (len == 0)
            return false;
        parts[count++] = (struct span){path, len};
        path += len;
        pattern++;
    }
    return *path == '\0';
}

static mint_verb_fn *find_verb(const struct mint_call *call, struct span parts[2])
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (strcmp(routes[i].method, call->method) == 0 &&
            matches(routes[i].path, call->path, parts))
            return routes[i].verb;
    return NULL;
}

bool mint_serves(const char *method, const char *path)
{
    struct span parts[2];
    return find_verb(&(struct mint_call){.method = method, .path = path}, parts) != NULL;
}

/* By which a request that is sent again is known (NUT-19). */
static struct bytes32 hash_call(const struct mint_call *call)
{
    struct text text = {0};
    text_addf(&text, "%s %s\n", call->method, call->path);
    text_add(&text, call->body);
    struct bytes32 hash = sig_sha256(text_span(&text));
    text_clear(&text);
    return hash;
}

static bool run(struct mint_verb *verb, mint_verb_fn *answer)
{
    bool has_body = strcmp(verb->call->method, "POST") == 0;
    if (verb->call->body.len > MINT_BODY_BYTES_MAX)
        return fault_set(verb->fault, FAULT_MALFORMED, "more than %d bytes", MINT_BODY_BYTES_MAX);
    return (!has_body ||
            mint_request_read(&verb->request, &verb->arena, verb->call->body, verb->fault)) &&
           answer(verb);
}

static void refuse(struct mint_answer *answer, const struct fault *fault)
{
    answer->body.len = 0;
    text_add(&answer->body, SPAN("{\"detail\":"));
    text_add_json(&answer->body, (struct span){fault->text, strlen(fault->text)});
    text_addf(&answer->body, ",\"code\":%d}", (int)fault->code);
}

void mint_call(struct mint *mint, struct mint_answer *answer, const struct mint_call *call)
{
    struct fault fault = {.code = FAULT_OURS};
    struct mint_verb verb = {.mint = mint,
                             .call = call,
                             .now = mint_now(),
                             .answer = answer,
                             .out = &answer->body,
                             .fault = &fault};
    mint_verb_fn *run_it = find_verb(call, verb.parts);
    *answer = (struct mint_answer){.status = STATUS_OK};
    if (run_it == NULL) {
        fault_fill(&fault, FAULT_MALFORMED, "there is no such verb here");
        refuse(answer, &fault);
        answer->status = STATUS_NOWHERE;
        return;
    }
    verb.hash = hash_call(call);
    if (!run(&verb, run_it)) {
        refuse(answer, &fault);
        answer->status = fault.code == FAULT_OURS ? STATUS_AWAY : STATUS_REFUSED;
    }
    arena_clear(&verb.arena);
}

/* ---- the mint ---- */

void mint_spend_by(struct mint *mint, const struct mint_method *method)
{
    assert(mint->method_count < MINT_METHODS_MAX && strlen(method->name) <= LEDGER_METHOD_MAX);
    mint->methods[mint->method_count++] = *method;
}

void mint_buy_with(struct mint *mint, const struct mint_sale *sale)
{
    assert(mint->sale_count < MINT_METHODS_MAX && strlen(sale->name) <= LEDGER_METHOD_MAX);
    mint->sales[mint->sale_count++] = *sale;
}

struct uuid mint_name_quote(const struct mint *mint, const char *purpose, struct span words)
{
    struct text text = {0};
    struct bytes32 hash;
    struct uuid id;
    text_addf(&text, "%s", purpose);
    text_add(&text, words);
    (void)HMAC(EVP_sha256(), mint->seed->at, sizeof mint->seed->at, (const unsigned char *)text.at,
               text.len, hash.at, NULL);
    text_clear(&text);
    memcpy(id.at, hash.at, sizeof id.at);
    id.at[6] = (uint8_t)((id.at[6] & 0x0f) | 0x80); /* version 8: made in a way of our own */
    id.at[8] = (uint8_t)((id.at[8] & 0x3f) | 0x80);
    return id;
}

const struct mint_policy *mint_terms_of(const struct mint *mint)
{
    return &mint->policy;
}

static const struct ledger_keyset *find_active(const struct ledger_keyset *rows, uint32_t count,
                                               const char *unit)
{
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].is_active && strcmp(rows[i].unit, unit) == 0)
            return rows + i;
    return NULL;
}

bool mint_rotate(struct mint *mint, const char *unit, char id[MINT_ID_CHARS + 1], struct err *err)
{
    const struct mint_policy *policy = &mint->policy;
    int64_t days = strcmp(unit, MINT_UNIT_PROMO) == 0 ? policy->promo_days : 0;
    const struct mint_ring_terms terms = {.unit = unit,
                                          .input_fee_ppk = (uint32_t)policy->input_fee_ppk,
                                          .final_expiry =
                                              days > 0 ? mint_now() + 2 * days * MINT_DAY_S : 0};
    const struct mint_keyset *keyset;
    struct fault fault;
    if (!mint_has_unit((struct span){unit, strlen(unit)}))
        return err_set(err, ERR_INVALID, "there is no unit '%.20s': %s or %s", unit, MINT_UNIT_PAID,
                       MINT_UNIT_PROMO);
    if (!mint_ring_rotate(mint->ring, &terms, &keyset, &fault))
        return err_set(err, ERR_INTERNAL, "%s", fault.text);
    memcpy(id, keyset->name, sizeof keyset->name);
    return true;
}

/* Promo keysets end: the next one takes over while what the last one signed can be spent still. */
static bool is_fresh(const struct mint *mint, const struct ledger_keyset *row)
{
    return row != NULL && (row->final_expiry == 0 ||
                           row->final_expiry - mint_now() > mint->policy.promo_days * MINT_DAY_S);
}

static bool make_keysets(struct mint *mint, struct err *err)
{
    static const char *const units[] = {MINT_UNIT_PAID, MINT_UNIT_PROMO};
    struct arena arena = {0};
    const struct ledger_keyset *rows;
    struct fault fault;
    uint32_t count;
    char id[MINT_ID_CHARS + 1];
    bool ok = mint_ring_rows(mint->ring, &arena, &rows, &count, &fault) ||
              err_set(err, ERR_INTERNAL, "%s", fault.text);
    for (size_t i = 0; ok && i < ARRAY_LEN(units); i++) {
        if (is_fresh(mint, find_active(rows, count, units[i])) ||
            mint_rotate(mint, units[i], id, err))
            continue;
        ok = mint_ring_rows(mint->ring, &arena, &rows, &count, &fault) && /* another was faster? */
             is_fresh(mint, find_active(rows, count, units[i]));
    }
    arena_clear(&arena);
    return ok;
}

void mint_write_policy(const struct mint *mint, struct text *out)
{
    text_addf(out, "{\"units\":[\"%s\",\"%s\"],", MINT_UNIT_PAID, MINT_UNIT_PROMO);
    mint_write_point(out, "pubkey", &mint->pubkey);
    text_add(out, SPAN(","));
    mint_policy_write(out, &mint->policy);
    text_add(out, SPAN("}"));
}

bool mint_write_supply(struct mint *mint, struct text *out, struct err *err)
{
    struct ledger_audit audit;
    struct fault fault;
    if (!ledger_audit(mint->ledger, &audit, &fault))
        return err_set(err, ERR_INTERNAL, "%s", fault.text);
    ledger_audit_write_json(&audit, out);
    ledger_audit_clear(&audit);
    return true;
}

struct mint *mint_open(const struct mint_setup *setup, struct err *err)
{
    struct mint *mint = calloc(1, sizeof *mint);
    if (mint == NULL)
        abort();
    mint->ledger = setup->ledger;
    mint->seed = setup->seed;
    mint->policy = *setup->policy;
    snprintf(mint->name, sizeof mint->name, "%s", setup->name);
    mint->pubkey = mint_keyset_pubkey(setup->seed);
    mint->ring = mint_ring_new(setup->ledger, setup->seed);
    if (make_keysets(mint, err))
        return mint;
    mint_close(mint);
    return NULL;
}

void mint_close(struct mint *mint)
{
    if (mint == NULL)
        return;
    mint_ring_free(mint->ring);
    free(mint);
}

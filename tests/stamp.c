#include "tests/stamp.h"

#include "shared/blind.h"
#include "shared/text.h"
#include "tests/test.h"

void stamp_fill(struct stamp *stamp, uint8_t salt, struct span unit, uint32_t fee_ppk)
{
    *stamp = (struct stamp){.keyset = {.is_active = true}};
    for (size_t i = 0; i < STAMP_KEYS; i++) {
        stamp->secrets[i].at[30] = salt;
        stamp->secrets[i].at[31] = (uint8_t)(i + 1);
        stamp->keys[i].amount = UINT64_C(1) << i;
        assert_true(blind_key(&stamp->keys[i].public_key, &stamp->secrets[i]));
    }
    stamp->keyset.keys = (struct keyset){
        .keys = stamp->keys, .count = STAMP_KEYS, .unit = unit, .input_fee_ppk = fee_ppk};
    stamp->keyset.id = keyset_id(&stamp->keyset.keys);
}

void stamp_sign(struct wallet_signature *signature, const struct stamp *stamp, size_t at,
                const struct bytes33 *message)
{
    *signature = (struct wallet_signature){
        .amount = stamp->keys[at].amount, .keyset = stamp->keyset.id, .has_dleq = true};
    assert_true(blind_sign(&signature->point, message, &stamp->secrets[at]));
    assert_true(dleq_prove(&signature->dleq, &stamp->secrets[at], message, &signature->point));
}

static size_t place_of(uint64_t amount)
{
    size_t at = 0;
    assert_true(amount > 0 && (amount & (amount - 1)) == 0);
    while (amount >> at != 1)
        at++;
    assert_true(at < STAMP_KEYS);
    return at;
}

static void write_point(struct text *out, const struct stamp *stamp, uint64_t amount,
                        const char *name, const struct bytes33 *point)
{
    text_addf(out, "{\"amount\":%llu,\"id\":\"", (unsigned long long)amount);
    text_add_hex(out, stamp->keyset.id.at, sizeof stamp->keyset.id);
    text_addf(out, "\",\"%s\":\"", name);
    text_add_hex(out, point->at, sizeof *point);
    text_add(out, SPAN("\""));
}

static void write_list(struct text *out, const struct stamp *stamp,
                       const struct wallet_output *outputs, const uint64_t *amounts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wallet_signature signature;
        stamp_sign(&signature, stamp, place_of(amounts[i]), &outputs[i].message);
        text_add(out, i > 0 ? SPAN(",") : SPAN(""));
        write_point(out, stamp, amounts[i], "C_", &signature.point);
        text_add(out, SPAN(",\"dleq\":{\"e\":\""));
        text_add_hex(out, signature.dleq.e.at, sizeof signature.dleq.e);
        text_add(out, SPAN("\",\"s\":\""));
        text_add_hex(out, signature.dleq.s.at, sizeof signature.dleq.s);
        text_add(out, SPAN("\"}}"));
    }
}

void stamp_write(struct text *out, const struct stamp *stamp, const char *begin,
                 const struct wallet_output *outputs, const uint64_t *amounts, size_t count)
{
    text_addf(out, "%s[", begin);
    write_list(out, stamp, outputs, amounts, count);
    text_add(out, SPAN("]}"));
}

void stamp_write_restored(struct text *out, const struct stamp *stamp,
                          const struct wallet_output *outputs, const uint64_t *amounts,
                          size_t count)
{
    text_add(out, SPAN("{\"outputs\":["));
    for (size_t i = 0; i < count; i++) {
        text_add(out, i > 0 ? SPAN(",") : SPAN(""));
        write_point(out, stamp, amounts[i], "B_", &outputs[i].message);
        text_add(out, SPAN("}"));
    }
    text_add(out, SPAN("],\"signatures\":["));
    write_list(out, stamp, outputs, amounts, count);
    text_add(out, SPAN("]}"));
}

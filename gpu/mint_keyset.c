#include "gpu/mint_keyset.h"

#include <assert.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <secp256k1.h>
#include <stdlib.h>

#include "client/secret.h"
#include "shared/blind.h"
#include "shared/hex.h"
#include "shared/text.h"

static void add_number(struct text *out, uint64_t number, int bytes)
{
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        text_add(out, (struct span){(const char *)&(uint8_t){(uint8_t)(number >> shift)}, 1});
}

static void derive(struct bytes32 *key, const struct bytes32 *seed, const char *unit,
                   uint32_t index, uint64_t amount)
{
    struct text text = {0};
    text_addf(&text, "Shoal_Mint_Key_v1%s", unit);
    add_number(&text, index, 4);
    add_number(&text, amount, 8);
    for (uint8_t more = 1;; more++) {
        const unsigned char *done = HMAC(EVP_sha256(), seed->at, sizeof seed->at,
                                         (const unsigned char *)text.at, text.len, key->at, NULL);
        assert(done != NULL);
        if (secp256k1_ec_seckey_verify(secp256k1_context_static, key->at))
            break;
        text.len -= more > 1;
        add_number(&text, more, 1);
    }
    text_clear(&text);
}

struct bytes33 mint_keyset_pubkey(const struct bytes32 *seed)
{
    struct bytes33 pubkey;
    struct bytes32 *key = secret_new(sizeof *key);
    derive(key, seed, "", 0, 0);
    bool is_made = blind_key(&pubkey, key);
    assert(is_made); /* derive saw that the key is one */
    secret_free(key);
    return pubkey;
}

struct mint_keyset *mint_keyset_new(const struct bytes32 *seed, const struct ledger_keyset *row)
{
    struct mint_keyset *keyset = calloc(1, sizeof *keyset);
    if (keyset == NULL)
        abort();
    keyset->number = row->number;
    memcpy(keyset->unit, row->unit, sizeof keyset->unit);
    keyset->input_fee_ppk = row->input_fee_ppk;
    keyset->final_expiry = row->final_expiry;
    keyset->keys = secret_new(MINT_KEYSET_AMOUNTS * sizeof *keyset->keys);
    for (uint32_t i = 0; i < MINT_KEYSET_AMOUNTS; i++) {
        struct keyset_key *public_key = keyset->public_keys + i;
        public_key->amount = 1ULL << i;
        derive(keyset->keys + i, seed, row->unit, row->index, public_key->amount);
        bool is_made = blind_key(&public_key->public_key, keyset->keys + i);
        assert(is_made);
    }
    keyset->id = keyset_id(&(struct keyset){.keys = keyset->public_keys,
                                            .count = MINT_KEYSET_AMOUNTS,
                                            .unit = {row->unit, strlen(row->unit)},
                                            .input_fee_ppk = row->input_fee_ppk,
                                            .final_expiry = row->final_expiry});
    hex_encode(keyset->name, keyset->id.at, sizeof keyset->id.at);
    return keyset;
}

void mint_keyset_free(struct mint_keyset *keyset)
{
    if (keyset == NULL)
        return;
    secret_free(keyset->keys);
    free(keyset);
}

const struct bytes32 *mint_keyset_key(const struct mint_keyset *keyset, uint64_t amount)
{
    if (amount == 0 || (amount & (amount - 1)) != 0 || amount >> MINT_KEYSET_AMOUNTS != 0)
        return NULL;
    return keyset->keys + __builtin_ctzll(amount);
}

/* The vectors of NUT-00, NUT-02, NUT-12 and NUT-13 (version 2), as their authors write them: pages
 * of text in which a label stands before each value.
 *
 *     golden_cashu FOLDER
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/coin.h"
#include "client/mnemonic.h"
#include "client/token.h"
#include "shared/arena.h"
#include "shared/blind.h"
#include "shared/dleq.h"
#include "shared/hex.h"
#include "shared/keyset.h"
#include "shared/text.h"

enum { SKIPPED = 77, FILE_BYTES_MAX = 1 << 20 };

static int checked, failed;

static void check(bool is_right, const char *what)
{
    checked++;
    failed += !is_right;
    printf("%s %s\n", is_right ? "ok  " : "FAIL", what);
}

static bool read_page(struct text *page, const char *folder, const char *name)
{
    struct text path = {0};
    text_addf(&path, "%s/%s%c", folder, name, '\0');
    FILE *file = fopen(path.at, "r");
    text_clear(&path);
    page->len = 0;
    if (file == NULL)
        return false;
    page->len = fread(text_reserve(page, FILE_BYTES_MAX), 1, FILE_BYTES_MAX - 1, file);
    page->at[page->len] = '\0';
    fclose(file);
    return true;
}

/* The hex digits behind the label, from *at on, which begins behind them then. */
static bool find_hex(const char **at, const char *label, uint8_t *out, size_t size)
{
    const char *found = strstr(*at, label);
    if (found == NULL)
        return false;
    found += strlen(label);
    found += strspn(found, "\": `");
    *at = found;
    return hex_decode(out, size, (struct span){found, strspn(found, "0123456789abcdef")});
}

static bool find(const char **at, const char *label)
{
    const char *found = strstr(*at, label);
    *at = found != NULL ? found + strlen(label) : *at;
    return found != NULL;
}

static bool equal(const struct bytes33 *a, const struct bytes33 *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* Version 4 is written again as it was, but for padding. */
static void check_tokens(const char *page)
{
    for (const char *at = page; (at = strstr(at, "\ncashu")) != NULL; at++) {
        struct arena arena = {0};
        struct text again = {0};
        struct token token;
        struct span text = {at + 1, strcspn(at + 1, "\n")};
        bool is_read = token_read(&token, &arena, text, NULL);
        while (text.at[text.len - 1] == '=')
            text.len--;
        if (is_read)
            token_write(&again, &token);
        check(is_read && (text.at[5] == 'A' || span_eq(text_span(&again), text)), "a token");
        text_clear(&again);
        arena_clear(&arena);
    }
}

static void check_blind(const char *page)
{
    struct bytes32 secret, number;
    struct bytes33 point, want, out;
    const char *at = page;
    check_tokens(page);
    while (find_hex(&at, "Message", secret.at, sizeof secret.at) &&
           find_hex(&at, "Point", want.at, sizeof want.at)) {
        point = blind_hash_to_curve(SPAN_OF(secret));
        check(equal(&point, &want), "hash to curve");
    }
    while (find_hex(&at, "\nx:", secret.at, sizeof secret.at) &&
           find_hex(&at, "\nr:", number.at, sizeof number.at) &&
           find_hex(&at, "\nB_:", want.at, sizeof want.at))
        check(blind_message(&out, SPAN_OF(secret), &number) && equal(&out, &want), "B_");
    at = page;
    while (find_hex(&at, "mint private key:", number.at, sizeof number.at) &&
           find_hex(&at, "\nB_:", point.at, sizeof point.at) &&
           find_hex(&at, "\nC_:", want.at, sizeof want.at))
        check(blind_sign(&out, &point, &number) && equal(&out, &want), "C_");
}

static uint64_t find_number(const char *at, const char *end, const char *label)
{
    const char *found = strstr(at, label);
    return found != NULL && found < end ? strtoull(found + strlen(label), NULL, 10) : 0;
}

static void check_keysets(const char *page)
{
    const char *at = strstr(page, "## Version 2");
    struct bytes33 want;
    while (at != NULL && find_hex(&at, "- Keyset id:", want.at, sizeof want.at)) {
        struct keyset_key keys[KEYSET_KEYS_MAX];
        struct keyset keyset = {.keys = keys, .unit = SPAN("sat")};
        const char *end = strchr(at, '}');
        keyset.input_fee_ppk = (uint32_t)find_number(at, end, "Input fee ppk: `");
        keyset.final_expiry = (int64_t)find_number(at, end, "Final expiry: `");
        for (at = strchr(at, '{'); (at = strpbrk(at, "\"}")) != NULL && *at == '"';) {
            if (keyset.count == KEYSET_KEYS_MAX)
                exit(EXIT_FAILURE);
            struct keyset_key *key = &keys[keyset.count++];
            key->amount = strtoull(at + 1, NULL, 10);
            if (!find_hex(&at, "\":", key->public_key.at, sizeof key->public_key.at))
                exit(EXIT_FAILURE);
            at = strchr(at, '"') + 1;
        }
        struct bytes33 id = keyset_id(&keyset);
        check(equal(&id, &want), "keyset id");
    }
}

static void check_proofs(const char *page)
{
    const char *at = strstr(page, "## Deterministic nonce");
    struct bytes32 key, factor;
    struct bytes33 public_key, message, signature, proof;
    struct dleq want, dleq;
    struct span secret;
    check(at != NULL && find_hex(&at, "\na:", key.at, sizeof key.at) &&
              find_hex(&at, "\nB_:", message.at, sizeof message.at) &&
              find_hex(&at, "\nC_:", signature.at, sizeof signature.at) &&
              find_hex(&at, "\ne:", want.e.at, sizeof want.e.at) &&
              find_hex(&at, "\ns:", want.s.at, sizeof want.s.at) &&
              dleq_prove(&dleq, &key, &message, &signature) &&
              memcmp(&dleq, &want, sizeof want) == 0,
          "a proof that is made");
    check(find_hex(&at, "\nA:", public_key.at, sizeof public_key.at) &&
              find_hex(&at, "\nB_:", message.at, sizeof message.at) &&
              find_hex(&at, "\"C_\"", signature.at, sizeof signature.at) &&
              find_hex(&at, "\"e\"", want.e.at, sizeof want.e.at) &&
              find_hex(&at, "\"s\"", want.s.at, sizeof want.s.at) &&
              dleq_verify(&want, &public_key, &message, &signature),
          "a proof with a signature");
    bool is_found = find_hex(&at, "\nA:", public_key.at, sizeof public_key.at) &&
                    find_hex(&at, "\"secret\"", key.at, sizeof key.at);
    secret = (struct span){at, 64};
    check(is_found && find_hex(&at, "\"C\"", proof.at, sizeof proof.at) &&
              find_hex(&at, "\"e\"", want.e.at, sizeof want.e.at) &&
              find_hex(&at, "\"s\"", want.s.at, sizeof want.s.at) &&
              find_hex(&at, "\"r\"", factor.at, sizeof factor.at) &&
              dleq_verify_proof(&want, &public_key, secret, &proof, &factor),
          "a proof with money");
}

static void check_coins(const char *page)
{
    struct bytes33 keyset;
    struct bytes64 seed;
    struct bytes32 secrets[5];
    const char *at = strstr(page, "## Version 2");
    if (at == NULL || !find_hex(&at, "keyset ID", keyset.at, sizeof keyset.at) ||
        !find(&at, "\"mnemonic\": \""))
        exit(EXIT_FAILURE);
    check(mnemonic_seed(&seed, (struct span){at, strcspn(at, "\"")}, SPAN(""), NULL), "a seed");
    for (uint32_t i = 0; i < ARRAY_LEN(secrets); i++)
        check(find(&at, "\"secret_") && find_hex(&at, "\": ", secrets[i].at, sizeof secrets[i].at),
              "a secret that is there");
    for (uint32_t i = 0; i < ARRAY_LEN(secrets); i++) {
        struct coin coin;
        struct bytes32 secret, factor;
        coin_derive(&coin, &seed, &keyset, i);
        check(hex_decode(secret.at, sizeof secret.at, SPAN_OF(coin.secret)) &&
                  memcmp(&secret, &secrets[i], sizeof secret) == 0 && find(&at, "\"r_") &&
                  find_hex(&at, "\": ", factor.at, sizeof factor.at) &&
                  memcmp(&factor, &coin.factor, sizeof factor) == 0,
              "a coin");
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*check)(const char *page);
    } pages[] = {{"00-tests.md", check_blind},
                 {"02-tests.md", check_keysets},
                 {"12-tests.md", check_proofs},
                 {"13-tests.md", check_coins}};
    struct text page = {0};
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        if (argc != 2 || !read_page(&page, argv[1], pages[i].name)) {
            printf("skipped: no vectors\n");
            text_clear(&page);
            return SKIPPED;
        }
        pages[i].check(page.at);
    }
    text_clear(&page);
    printf("%d checked, %d failed\n", checked, failed);
    return failed == 0 && checked >= 30 ? EXIT_SUCCESS : EXIT_FAILURE;
}

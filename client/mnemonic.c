#include "client/mnemonic.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "client/secret.h"
#include "shared/err.h"

/* Each word is 11 bits; a checksum of one bit for each three words comes after the entropy. */
enum { WORD_BITS = 11, BITS_BYTES = MNEMONIC_ENTROPY_MAX + 1, ROUNDS = 2048 };

enum { WORDS_CHARS = MNEMONIC_WORDS_MAX * (MNEMONIC_CHARS_MAX + 1) };

static uint8_t checksum(const uint8_t *entropy, size_t size)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, entropy, size);
    return hash[0];
}

static bool get_bit(const uint8_t *bits, size_t at)
{
    return (bits[at / 8] >> (7 - at % 8) & 1) != 0;
}

static int compare(const void *word, const void *entry)
{
    return strcmp(word, entry);
}

/* The next word, in lowercase, from the front of text; false at the end. A word too long to be one
 * is cut to what no list holds. */
static bool take_word(char word[MNEMONIC_CHARS_MAX + 2], struct span *text)
{
    size_t len = 0;
    while (text->len > 0 && strchr(" \t\r\n", text->at[0]) != NULL)
        *text = (struct span){text->at + 1, text->len - 1};
    while (text->len > 0 && strchr(" \t\r\n", text->at[0]) == NULL) {
        char c = text->at[0];
        if (len <= MNEMONIC_CHARS_MAX)
            word[len++] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        *text = (struct span){text->at + 1, text->len - 1};
    }
    word[len] = '\0';
    return len > 0;
}

/* In locked memory: what one mnemonic is read into. */
struct reading {
    char word[MNEMONIC_CHARS_MAX + 2];
    char words[WORDS_CHARS]; /* with single spaces, as they are hashed */
    size_t len;
    uint8_t bits[BITS_BYTES];
};

static bool read_words(struct reading *reading, size_t *count, struct span text, struct err *err)
{
    *count = 0;
    while (take_word(reading->word, &text)) {
        if (*count == MNEMONIC_WORDS_MAX)
            return err_set(err, ERR_INVALID, "more than %d words", MNEMONIC_WORDS_MAX);
        const char *found = bsearch(reading->word, mnemonic_words, MNEMONIC_LIST,
                                    sizeof mnemonic_words[0], compare);
        if (found == NULL)
            return err_set(err, ERR_INVALID, "word %zu is not in the English list of BIP-39",
                           *count + 1);
        size_t index = (size_t)(found - mnemonic_words[0]) / sizeof mnemonic_words[0];
        for (size_t i = 0; i < WORD_BITS; i++) {
            size_t at = *count * WORD_BITS + i;
            reading->bits[at / 8] |= (uint8_t)((index >> (WORD_BITS - 1 - i) & 1) << (7 - at % 8));
        }
        if (*count > 0)
            reading->words[reading->len++] = ' ';
        memcpy(reading->words + reading->len, found, strlen(found));
        reading->len += strlen(found);
        ++*count;
    }
    return true;
}

static bool check_words(struct reading *reading, struct span text, struct err *err)
{
    size_t count;
    if (!read_words(reading, &count, text, err))
        return false;
    if (count < 12 || count % 3 != 0)
        return err_set(err, ERR_INVALID, "%zu words; 12, 15, 18, 21 or 24 make a key", count);
    size_t checksum_bits = count / 3, size = checksum_bits * 4;
    uint8_t differs = (uint8_t)(reading->bits[size] ^ checksum(reading->bits, size));
    if (differs >> (8 - checksum_bits) != 0)
        return err_set(err, ERR_INVALID, "the checksum is wrong: a word is another, or elsewhere");
    return true;
}

/* PBKDF2 with HMAC-SHA512, of which one block is all that is needed. */
static void stretch(struct bytes64 *seed, struct span words, const char *passphrase)
{
    static const uint8_t first_block[] = {0, 0, 0, 1};
    struct {
        crypto_auth_hmacsha512_state keyed, state;
        struct bytes64 round;
    } *work = secret_new(sizeof *work);
    crypto_auth_hmacsha512_init(&work->keyed, (const uint8_t *)words.at, words.len);
    work->state = work->keyed;
    crypto_auth_hmacsha512_update(&work->state, (const uint8_t *)"mnemonic", 8);
    crypto_auth_hmacsha512_update(&work->state, (const uint8_t *)passphrase, strlen(passphrase));
    crypto_auth_hmacsha512_update(&work->state, first_block, sizeof first_block);
    crypto_auth_hmacsha512_final(&work->state, work->round.at);
    *seed = work->round;
    for (int i = 1; i < ROUNDS; i++) {
        work->state = work->keyed;
        crypto_auth_hmacsha512_update(&work->state, work->round.at, sizeof work->round.at);
        crypto_auth_hmacsha512_final(&work->state, work->round.at);
        for (size_t j = 0; j < sizeof seed->at; j++)
            seed->at[j] ^= work->round.at[j];
    }
    secret_free(work);
}

bool mnemonic_seed(struct bytes64 *seed, struct span words, struct span passphrase, struct err *err)
{
    struct reading *reading = secret_new(sizeof *reading);
    bool ok = check_words(reading, words, err);
    char *normal = ok ? secret_normal(passphrase, SECRET_NFKD) : NULL;
    if (normal != NULL)
        stretch(seed, (struct span){reading->words, reading->len}, normal);
    secret_free(reading);
    secret_free(normal);
    if (ok && normal == NULL)
        return err_set(err, ERR_INVALID, "a passphrase must be UTF-8 of at most %d bytes",
                       SECRET_TEXT_MAX);
    return ok;
}

void mnemonic_write(char out[WORDS_CHARS], const uint8_t *entropy, size_t size)
{
    uint8_t bits[BITS_BYTES];
    assert(size >= 16 && size <= MNEMONIC_ENTROPY_MAX && size % 4 == 0);
    memcpy(bits, entropy, size);
    bits[size] = checksum(entropy, size);
    for (size_t word = 0; word < size * 3 / 4; word++) {
        size_t index = 0;
        for (size_t i = 0; i < WORD_BITS; i++)
            index = index << 1 | get_bit(bits, word * WORD_BITS + i);
        if (word > 0)
            *out++ = ' ';
        out = stpcpy(out, mnemonic_words[index]);
    }
    secret_wipe(bits, sizeof bits);
}

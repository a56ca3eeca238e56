#include "gpu/door.h"

#include <sodium.h>

#include "client/holder.h"
#include "shared/err.h"
#include "shared/text.h"

static const struct span label = {"shoal stage key:", 16};

static bool open_letter(void *owner, struct bytes32 *key, struct bytes32 *writer,
                        struct span letter)
{
    const struct holder *holder = owner;
    struct text plain = {0};
    if (letter.len <= sizeof *writer)
        return false;
    memcpy(writer->at, letter.at, sizeof writer->at);
    struct span sealed = {letter.at + sizeof *writer, letter.len - sizeof *writer};
    bool ok = holder_open(holder, &plain, writer, sealed, NULL) &&
              plain.len == label.len + sizeof *key && memcmp(plain.at, label.at, label.len) == 0;
    if (ok)
        memcpy(key->at, plain.at + label.len, sizeof key->at);
    if (plain.len > 0)
        sodium_memzero(plain.at, plain.len);
    text_clear(&plain);
    return ok;
}

struct hail_door door_of(struct holder *holder)
{
    return (struct hail_door){open_letter, holder, true};
}

bool door_pass(struct hail_pass *pass, const struct holder *holder, const struct bytes32 *peer,
               struct err *err)
{
    struct text plain = {0}, letter = {0};
    struct bytes32 nonce;
    *pass = (struct hail_pass){0};
    randombytes_buf(&nonce, sizeof nonce);
    randombytes_buf(&pass->key, sizeof pass->key);
    text_add(&plain, label);
    text_add(&plain, SPAN_OF(pass->key));
    text_add(&letter, SPAN_OF(*holder_pubkey(holder)));
    bool ok = holder_seal(holder, &letter, peer, text_span(&plain), &nonce, err);
    if (ok && letter.len > sizeof pass->letter)
        ok = err_set(err, ERR_INTERNAL, "a letter of %zu bytes", letter.len);
    if (ok) {
        memcpy(pass->letter, letter.at, letter.len);
        pass->letter_len = (uint32_t)letter.len;
    }
    sodium_memzero(plain.at, plain.len);
    text_clear(&plain);
    text_clear(&letter);
    return ok;
}

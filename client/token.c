#include "client/token.h"

#include <sodium.h>

#include "client/token_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

static struct span trim(struct span text)
{
    static const char spaces[] = " \t\r\n";
    while (text.len > 0 && strchr(spaces, text.at[0]) != NULL)
        text = (struct span){text.at + 1, text.len - 1};
    while (text.len > 0 && strchr(spaces, text.at[text.len - 1]) != NULL)
        text.len--;
    return text;
}

static bool skip(struct span *text, struct span prefix)
{
    if (text->len < prefix.len || memcmp(text->at, prefix.at, prefix.len) != 0)
        return false;
    *text = (struct span){text->at + prefix.len, text->len - prefix.len};
    return true;
}

/* With or without its padding. */
static bool decode(struct span *out, struct arena *arena, struct span text, struct err *err)
{
    while (text.len > 0 && text.at[text.len - 1] == '=')
        text.len--;
    uint8_t *bytes = arena_alloc(arena, text.len + 1);
    size_t len;
    if (sodium_base642bin(bytes, text.len, text.at, text.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return err_set(err, ERR_INVALID, "a token that is not base64");
    *out = (struct span){(const char *)bytes, len};
    return true;
}

struct token_proof *token_add_proof(struct token *token, struct arena *arena, struct err *err)
{
    if (token->count == TOKEN_PROOFS_MAX) {
        err_fill(err, ERR_INVALID, "a token of more than %d proofs", TOKEN_PROOFS_MAX);
        return NULL;
    }
    token->proofs = arena_grow(arena, struct token_proof, token->proofs, token->count);
    token->proofs[token->count] = (struct token_proof){0};
    return &token->proofs[token->count++];
}

bool token_read(struct token *token, struct arena *arena, struct span text, struct err *err)
{
    struct span inside;
    *token = (struct token){0};
    text = trim(text);
    if (text.len > TOKEN_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a token of more than %d bytes", TOKEN_BYTES_MAX);
    (void)skip(&text, SPAN("cashu:"));
    bool is_cbor = skip(&text, SPAN("cashuB"));
    if (!is_cbor && !skip(&text, SPAN("cashuA")))
        return err_set(err, ERR_INVALID, "expected a token, which begins with cashuA or cashuB");
    if (!decode(&inside, arena, text, err) ||
        !(is_cbor ? token_read_cbor : token_read_json)(token, arena, inside, err))
        return false;
    if (token->mint.len == 0)
        return err_set(err, ERR_INVALID, "a token that names no mint");
    if (token->unit.len == 0)
        token->unit = SPAN("sat"); /* what was meant before there were others */
    return token->count > 0 || err_set(err, ERR_INVALID, "a token without proofs");
}

void token_write(struct text *out, const struct token *token)
{
    struct text inside = {0};
    token_write_cbor(&inside, token);
    size_t room = sodium_base64_ENCODED_LEN(inside.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    text_add(out, SPAN("cashuB"));
    sodium_bin2base64(text_reserve(out, room), room, (const unsigned char *)inside.at, inside.len,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    out->len += room - 1;
    text_clear(&inside);
}

bool token_sum(uint64_t *sum, const struct token *token)
{
    *sum = 0;
    for (uint32_t i = 0; i < token->count; i++)
        if (__builtin_add_overflow(*sum, token->proofs[i].amount, sum))
            return false;
    return true;
}

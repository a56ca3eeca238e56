/* Any bytes as a token, and as the inside of one of either version. What is read is written and
 * read again the same. */
#include <assert.h>
#include <sodium.h>
#include <stdint.h>

#include "client/token.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct token *token)
{
    struct arena arena = {0};
    struct text text = {0};
    struct token again;
    token_write(&text, token);
    bool is_read = text.len > TOKEN_BYTES_MAX || token_read(&again, &arena, text_span(&text), NULL);
    assert(is_read);
    if (text.len <= TOKEN_BYTES_MAX) {
        uint64_t a = 0, b = 0;
        assert(again.count == token->count && span_eq(again.mint, token->mint));
        bool is_number = token_sum(&a, token);
        assert(is_number == token_sum(&b, &again) && (!is_number || a == b));
    }
    text_clear(&text);
    arena_clear(&arena);
}

static void check(struct span text)
{
    struct arena arena = {0};
    struct token token;
    struct err err;
    if (token_read(&token, &arena, text, &err)) {
        assert(token.count > 0 && token.count <= TOKEN_PROOFS_MAX && token.mint.len > 0);
        check_again(&token);
    } else {
        assert(err.code == ERR_INVALID && err.text[0] != '\0');
    }
    arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct span heads[] = {{"cashuA", 6}, {"cashuB", 6}};
    check((struct span){(const char *)data, size});
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct text text = {0};
        size_t room = sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        text_add(&text, heads[i]);
        sodium_bin2base64(text_reserve(&text, room), room, data, size,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        text.len += room - 1;
        check(text_span(&text));
        text_clear(&text);
    }
    return 0;
}

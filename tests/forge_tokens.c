#include "tests/forge_tokens.h"

#include <stdio.h>

#include "shared/utf8.h"
#include "tests/forge.h"
#include "tests/random.h"

static uint32_t add(struct forge_tokens *tokens, struct span text, enum forge_kind kind)
{
    tokens->tokens[tokens->count] =
        (struct forge_token){.text = arena_copy(&tokens->arena, text), .kind = kind};
    return tokens->count++;
}

static uint32_t find(const struct forge_tokens *tokens, struct span text)
{
    uint32_t i = 0;
    while (i < tokens->count && !span_eq(tokens->tokens[i].text, text))
        i++;
    return i;
}

static void add_bytes(struct forge_tokens *tokens)
{
    for (int byte = 0; byte < 256; byte++) {
        char name[8];
        char self = (char)byte;
        snprintf(name, sizeof name, "<0x%02X>", (unsigned)byte);
        if (tokens->is_bytes)
            add(tokens, SPAN_OF(self), FORGE_NORMAL);
        else
            add(tokens, (struct span){name, 6}, FORGE_BYTE);
    }
}

/* One of those that merges begin with: the alphabet, a space, some that take several bytes. */
static uint32_t random_token(const struct forge_tokens *tokens)
{
    for (;;) {
        uint32_t token = random_below(tokens->count);
        struct span text = tokens->tokens[token].text;
        if (tokens->tokens[token].kind == FORGE_NORMAL && text.len <= 8 &&
            (!tokens->is_bytes || token > 256 || strchr(" abc\xc3\xa9\n", text.at[0]) != NULL))
            return token;
    }
}

void forge_tokens_random(struct forge_tokens *tokens, bool is_bytes, uint32_t merges)
{
    static const char *const alphabet[] = {"\xe2\x96\x81", "a",           "b", "c", "d", "e",
                                           "\xc3\xa9",     "\xe6\x97\xa5"};
    *tokens = (struct forge_tokens){.is_bytes = is_bytes};
    add(tokens, SPAN("<unk>"), FORGE_UNKNOWN);
    add(tokens, SPAN("<s>"), FORGE_CONTROL);
    add(tokens, SPAN("</s>"), FORGE_CONTROL);
    add(tokens, SPAN("<|end|>"), FORGE_CONTROL);
    add(tokens, SPAN("<b>"), FORGE_ADDED);
    add(tokens, SPAN("<b><b>"), FORGE_ADDED);
    add_bytes(tokens);
    for (size_t i = 0; !is_bytes && i < ARRAY_LEN(alphabet); i++)
        add(tokens, (struct span){alphabet[i], strlen(alphabet[i])}, FORGE_NORMAL);
    tokens->merged = tokens->count;
    for (uint32_t i = 0; i < merges; i++) {
        char both[16];
        uint32_t left = random_token(tokens);
        uint32_t right = random_token(tokens);
        size_t len = tokens->tokens[left].text.len;
        memcpy(both, tokens->tokens[left].text.at, len);
        memcpy(both + len, tokens->tokens[right].text.at, tokens->tokens[right].text.len);
        len += tokens->tokens[right].text.len;
        if (find(tokens, (struct span){both, len}) < tokens->count)
            continue;
        uint32_t made = add(tokens, (struct span){both, len}, FORGE_NORMAL);
        tokens->tokens[made].left = left;
        tokens->tokens[made].right = right;
    }
}

void forge_tokens_clear(struct forge_tokens *tokens)
{
    arena_clear(&tokens->arena);
    *tokens = (struct forge_tokens){0};
}

/* The letters for bytes that are none: U+0100 and on, in the order of these. */
void forge_tokens_spell(struct text *out, uint8_t byte)
{
    uint32_t letter = byte;
    char utf8[4];
    if (byte <= 0x20)
        letter = 0x100U + byte;
    else if (byte >= 0x7f && byte <= 0xa0)
        letter = 0x121U + byte - 0x7fU;
    else if (byte == 0xad)
        letter = 0x143;
    text_add(out, (struct span){utf8, utf8_put(utf8, letter)});
}

/* As a file has it. */
static void add_spelled(const struct forge_tokens *tokens, struct text *out, uint32_t token)
{
    const struct forge_token *entry = &tokens->tokens[token];
    if (!tokens->is_bytes || entry->kind != FORGE_NORMAL) {
        text_add(out, entry->text);
        return;
    }
    for (size_t i = 0; i < entry->text.len; i++)
        forge_tokens_spell(out, (uint8_t)entry->text.at[i]);
}

static void add_json(const struct forge_tokens *tokens, struct text *out, uint32_t token)
{
    struct text spelled = {0};
    add_spelled(tokens, &spelled, token);
    text_add_json(out, text_span(&spelled));
    text_clear(&spelled);
}

void forge_tokens_json(const struct forge_tokens *tokens, const char *steps, struct text *out)
{
    text_addf(out, "{\"added_tokens\":[");
    for (uint32_t i = 0; i < tokens->count; i++) {
        enum forge_kind kind = tokens->tokens[i].kind;
        if (kind != FORGE_CONTROL && kind != FORGE_ADDED && kind != FORGE_UNKNOWN)
            continue;
        text_addf(out, "%s{\"id\":%u,\"special\":%s,\"content\":", i == 0 ? "" : ",", i,
                  kind == FORGE_ADDED ? "false" : "true");
        text_add_json(out, tokens->tokens[i].text);
        text_addf(out, "}");
    }
    text_addf(out,
              "],%s\"model\":{\"type\":\"BPE\",\"byte_fallback\":%s,\"unk_token\":\"<unk>\","
              "\"vocab\":{",
              steps, tokens->is_bytes ? "false" : "true");
    for (uint32_t i = 6; i < tokens->count; i++) { /* after the added ones */
        text_addf(out, "%s", i == 6 ? "" : ",");
        add_json(tokens, out, i);
        text_addf(out, ":%u", i);
    }
    text_addf(out, "},\"merges\":[");
    for (uint32_t i = tokens->merged; i < tokens->count; i++) {
        text_addf(out, "%s[", i == tokens->merged ? "" : ",");
        add_json(tokens, out, tokens->tokens[i].left);
        text_addf(out, ",");
        add_json(tokens, out, tokens->tokens[i].right);
        text_addf(out, "]");
    }
    text_addf(out, "]}}");
}

static float score_of(const struct forge_tokens *tokens, uint32_t token)
{
    return token < tokens->merged ? 0 : -(float)(token - tokens->merged);
}

void forge_tokens_gguf(const struct forge_tokens *tokens, const char *pre, struct text *out)
{
    struct forge forge = {0};
    struct text line = {0};
    forge_text(&forge, "tokenizer.ggml.model", tokens->is_bytes ? "gpt2" : "llama");
    if (tokens->is_bytes)
        forge_text(&forge, "tokenizer.ggml.pre", pre);
    forge_array(&forge, "tokenizer.ggml.tokens", 8, tokens->count);
    for (uint32_t i = 0; i < tokens->count; i++) {
        line.len = 0;
        add_spelled(tokens, &line, i);
        forge_string(&forge.values, text_span(&line));
    }
    forge_array(&forge, "tokenizer.ggml.token_type", 5, tokens->count);
    for (uint32_t i = 0; i < tokens->count; i++)
        forge_u32(&forge.values, tokens->tokens[i].kind);
    forge_array(&forge, "tokenizer.ggml.scores", 6, tokens->count);
    for (uint32_t i = 0; i < tokens->count; i++)
        forge_f32(&forge.values, score_of(tokens, i));
    forge_array(&forge, "tokenizer.ggml.merges", 8, tokens->count - tokens->merged);
    for (uint32_t i = tokens->merged; i < tokens->count; i++) {
        line.len = 0;
        add_spelled(tokens, &line, tokens->tokens[i].left);
        text_add(&line, SPAN(" "));
        add_spelled(tokens, &line, tokens->tokens[i].right);
        forge_string(&forge.values, text_span(&line));
    }
    forge_integer(&forge, "tokenizer.ggml.bos_token_id", 1);
    forge_integer(&forge, "tokenizer.ggml.eos_token_id", 2);
    forge_gguf(&forge, out);
    text_clear(&line);
    forge_clear(&forge);
}

static void add_varint(struct text *out, uint64_t value)
{
    for (; value >= 128; value >>= 7)
        forge_u8(out, (uint8_t)(value | 128));
    forge_u8(out, (uint8_t)value);
}

static void add_message(struct text *out, uint32_t number, const struct text *message)
{
    add_varint(out, (uint64_t)number << 3 | 2);
    add_varint(out, message->len);
    text_add(out, text_span(message));
}

static void add_number(struct text *out, uint32_t number, uint64_t value)
{
    add_varint(out, (uint64_t)number << 3);
    add_varint(out, value);
}

void forge_tokens_pieces(const struct forge_tokens *tokens, struct text *out)
{
    struct text message = {0};
    for (uint32_t i = 0; i < tokens->count; i++) {
        struct text text = {0};
        message.len = 0;
        text_add(&text, tokens->tokens[i].text);
        add_message(&message, 1, &text);
        forge_u8(&message, 2 << 3 | 5);
        forge_f32(&message, score_of(tokens, i));
        if (tokens->tokens[i].kind != FORGE_NORMAL)
            add_number(&message, 3, tokens->tokens[i].kind);
        add_message(out, 1, &message);
        text_clear(&text);
    }
    message.len = 0;
    add_number(&message, 3, 2); /* BPE */
    add_number(&message, 35, 1);
    add_number(&message, 43, UINT64_MAX); /* no padding: -1 */
    add_message(out, 2, &message);
    message.len = 0;
    add_number(&message, 3, 1);
    add_number(&message, 4, 0);
    add_message(out, 3, &message);
    text_clear(&message);
}

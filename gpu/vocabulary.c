#include "gpu/vocabulary.h"

#include "shared/arena.h"

static uint64_t hash_of(struct span text)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * 0x100000001b3;
    return hash ^ hash >> 29;
}

static bool is_text(enum vocabulary_kind kind)
{
    return kind == VOCABULARY_NORMAL || kind == VOCABULARY_ADDED || kind == VOCABULARY_UNUSED;
}

void vocabulary_begin(struct vocabulary *vocabulary, struct arena *arena, uint32_t count)
{
    *vocabulary = (struct vocabulary){.count = count};
    vocabulary->tokens = arena_array(arena, struct vocabulary_token, (size_t)count + 1);
    for (size_t i = 0; i < ARRAY_LEN(vocabulary->bytes); i++)
        vocabulary->bytes[i] = VOCABULARY_NONE;
}

/* "<0x0A>" */
static bool read_byte(uint8_t *byte, struct span text)
{
    static const char digits[] = "0123456789ABCDEF";
    if (text.len != 6 || memcmp(text.at, "<0x", 3) != 0 || text.at[5] != '>' ||
        text.at[3] == '\0' || text.at[4] == '\0')
        return false;
    const char *high = strchr(digits, text.at[3]);
    const char *low = strchr(digits, text.at[4]);
    if (high == NULL || low == NULL)
        return false;
    *byte = (uint8_t)((high - digits) << 4 | (low - digits));
    return true;
}

static void add(struct vocabulary *vocabulary, uint32_t token)
{
    struct span text = vocabulary->tokens[token].text;
    uint64_t at = hash_of(text);
    for (;; at++) {
        uint32_t *slot = &vocabulary->slots[at & (vocabulary->slot_count - 1)];
        if (*slot == 0)
            *slot = token + 1;
        else if (!span_eq(vocabulary->tokens[*slot - 1].text, text))
            continue;
        return;
    }
}

void vocabulary_index(struct vocabulary *vocabulary, struct arena *arena)
{
    vocabulary->slot_count = 16;
    while (vocabulary->slot_count < 2 * vocabulary->count)
        vocabulary->slot_count *= 2;
    vocabulary->slots = arena_array(arena, uint32_t, vocabulary->slot_count);
    for (uint32_t i = 0; i < vocabulary->count; i++) {
        struct vocabulary_token *token = &vocabulary->tokens[i];
        uint8_t byte;
        if (token->kind == VOCABULARY_BYTE && read_byte(&byte, token->text)) {
            vocabulary->bytes[byte] = i;
            token->text = arena_copy(arena, SPAN_OF(byte));
        } else if (is_text(token->kind) && token->text.len > 0) {
            add(vocabulary, i);
        }
    }
}

uint32_t vocabulary_find(const struct vocabulary *vocabulary, struct span text)
{
    for (uint64_t at = hash_of(text);; at++) {
        uint32_t slot = vocabulary->slots[at & (vocabulary->slot_count - 1)];
        if (slot == 0)
            return VOCABULARY_NONE;
        if (span_eq(vocabulary->tokens[slot - 1].text, text))
            return slot - 1;
    }
}

uint32_t vocabulary_find_any(const struct vocabulary *vocabulary, struct span text)
{
    for (uint32_t i = 0; i < vocabulary->count; i++)
        if (vocabulary->tokens[i].kind != VOCABULARY_ABSENT &&
            span_eq(vocabulary->tokens[i].text, text))
            return i;
    return VOCABULARY_NONE;
}

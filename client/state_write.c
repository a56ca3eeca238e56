#include <stdlib.h>

#include "client/canon.h"
#include "client/op.h"
#include "client/state.h"
#include "shared/sig.h"
#include "shared/text.h"

struct pair {
    struct span key;
    const void *value;
};

static int compare_pairs(const void *a, const void *b)
{
    return canon_compare(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

/* The leaves of a trie in canonical order. */
static const struct pair *sorted(const struct trie *trie, struct arena *arena)
{
    struct pair *pairs = arena_array(arena, struct pair, trie->count + 1);
    size_t count = 0;
    for (const struct trie_node *node = trie->first; node != NULL; node = node->next)
        pairs[count++] = (struct pair){node->key, node->value};
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    return pairs;
}

static bool is_there(const struct state_element *element)
{
    return element->is_added && !element->is_removed;
}

static bool in_list(const struct state_element *element)
{
    return element->position.value.len > 0;
}

static int compare_bytes(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Sets before lists; by key; by value in a set, by position and then by name in a list. */
static int compare_elements(const void *a, const void *b)
{
    const struct state_element *x = *(const struct state_element *const *)a;
    const struct state_element *y = *(const struct state_element *const *)b;
    if (in_list(x) != in_list(y))
        return in_list(x) - in_list(y);
    int order = canon_compare(x->key, y->key);
    if (order == 0 && in_list(x))
        order = compare_bytes(x->position.value, y->position.value);
    if (order == 0 && !in_list(x))
        order = compare_bytes(x->value, y->value);
    if (order == 0)
        order = memcmp(x->event.at, y->event.at, sizeof x->event.at);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* All that are there, or those of one key. */
static const struct state_element **gather(const struct state *state, struct arena *arena,
                                           const struct span *key, size_t *count)
{
    const struct state_element **found =
        arena_array(arena, const struct state_element *, state->elements.count + 1);
    *count = 0;
    for (const struct trie_node *node = state->elements.first; node != NULL; node = node->next) {
        const struct state_element *element = node->value;
        if (is_there(element) && (key == NULL || span_eq(element->key, *key)))
            found[(*count)++] = element;
    }
    qsort(found, *count, sizeof(const struct state_element *), compare_elements);
    return found;
}

const struct state_element **state_elements(const struct state *state, struct arena *arena,
                                            struct span key, size_t *count)
{
    return gather(state, arena, &key, count);
}

const struct state_element **state_all_elements(const struct state *state, struct arena *arena,
                                                size_t *count)
{
    return gather(state, arena, NULL, count);
}

/* The name of a member, and a comma in front of it when it is not the first behind begin. */
static void add_name(struct text *out, size_t begin, struct span name)
{
    if (out->len > begin)
        text_add(out, SPAN(","));
    text_add_json(out, name);
    text_add(out, SPAN(":"));
}

/* Opens an object or list of the state's; to be taken back when nothing is put in. */
static size_t open_member(struct text *out, size_t begin, struct span name, struct span bracket)
{
    add_name(out, begin, name);
    text_add(out, bracket);
    return out->len;
}

static void write_counters(struct text *out, size_t begin, const struct state *state,
                           struct arena *arena)
{
    const struct pair *pairs = sorted(&state->counters, arena);
    if (state->counters.count == 0)
        return;
    size_t inner = open_member(out, begin, SPAN("counters"), SPAN("{"));
    for (size_t i = 0; i < state->counters.count; i++) {
        add_name(out, inner, pairs[i].key);
        text_addf(out, "%lld", (long long)*(const uint64_t *)pairs[i].value);
    }
    text_add(out, SPAN("}"));
}

static void write_fields(struct text *out, size_t begin, const struct state *state,
                         struct arena *arena)
{
    const struct pair *pairs = sorted(&state->fields, arena);
    size_t before = out->len;
    size_t inner = open_member(out, begin, SPAN("fields"), SPAN("{"));
    for (size_t i = 0; i < state->fields.count; i++) {
        const struct state_field *field = pairs[i].value;
        if (field->value.len == 0 || span_eq(pairs[i].key, SPAN(OP_DELETED)))
            continue;
        add_name(out, inner, pairs[i].key);
        text_add(out, field->value);
    }
    if (out->len == inner)
        out->len = before;
    else
        text_add(out, SPAN("}"));
}

static bool is_same_set(const struct state_element *a, const struct state_element *b)
{
    return in_list(a) == in_list(b) && span_eq(a->key, b->key);
}

/* The sets, or the lists, of elements in their order. */
static void write_collections(struct text *out, size_t begin, bool is_lists,
                              const struct state_element **elements, size_t count)
{
    size_t inner = 0;
    for (size_t i = 0; i < count; i++) {
        const struct state_element *last = i > 0 ? elements[i - 1] : NULL;
        bool is_new = last == NULL || !is_same_set(last, elements[i]);
        if (in_list(elements[i]) != is_lists)
            continue;
        if (!is_new && !is_lists && span_eq(last->value, elements[i]->value))
            continue; /* two added the same */
        if (inner == 0)
            inner = open_member(out, begin, is_lists ? SPAN("lists") : SPAN("sets"), SPAN("{"));
        else if (is_new)
            text_add(out, SPAN("]"));
        if (is_new) {
            add_name(out, inner, elements[i]->key);
            text_add(out, SPAN("["));
        } else {
            text_add(out, SPAN(","));
        }
        text_add(out, elements[i]->value);
    }
    if (inner > 0)
        text_add(out, SPAN("]}"));
}

void state_write(const struct state *state, struct text *out, bool is_all)
{
    struct arena arena = {0};
    bool is_deleted = state_is_deleted(state);
    bool is_shown = is_all || !is_deleted;
    size_t count;
    text_add(out, SPAN("{"));
    size_t begin = out->len;
    if (is_shown)
        write_counters(out, begin, state, &arena);
    if (is_deleted)
        text_addf(out, "%s\"deleted\":true", out->len > begin ? "," : "");
    if (is_shown) {
        const struct state_element **elements = gather(state, &arena, NULL, &count);
        write_fields(out, begin, state, &arena);
        write_collections(out, begin, true, elements, count);
        write_collections(out, begin, false, elements, count);
    }
    if (state->type.len > 0) {
        add_name(out, begin, SPAN("type"));
        text_add_json(out, state->type);
    }
    text_add(out, SPAN("}"));
    arena_clear(&arena);
}

struct bytes32 state_hash(const struct state *state)
{
    struct text json = {0};
    state_write(state, &json, true);
    struct bytes32 hash = sig_sha256(text_span(&json));
    text_clear(&json);
    return hash;
}

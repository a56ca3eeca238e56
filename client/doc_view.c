#include <stdlib.h>

#include "client/doc.h"
#include "client/doc_parts.h"
#include "client/lib0.h"
#include "client/utf16.h"
#include "shared/text.h"

enum { LEVELS_MAX = 100 }; /* of types in types; what is deeper shows as null */

/* A type that is being written: where its next value is. */
struct level {
    enum doc_kind kind;
    const struct doc_item *item;  /* of an array */
    uint64_t index;               /* in that */
    const struct trie_node *leaf; /* of a map */
};

static const struct doc_branch *find_root(const struct doc *doc, struct span name)
{
    static const struct doc_branch empty;
    const struct doc_branch *branch = trie_get(&doc->roots, name);
    return branch != NULL ? branch : &empty;
}

static void write_text(struct text *out, const struct doc_branch *branch)
{
    for (const struct doc_item *item = branch->start; item != NULL; item = item->right)
        if (!item->is_deleted && item->content == DOC_STRING)
            utf16_add_utf8(out, item->units, item->len);
}

static void write_json_text(struct text *out, const struct doc_branch *branch)
{
    struct text utf8 = {0};
    write_text(&utf8, branch);
    text_add_json(out, text_span(&utf8));
    text_clear(&utf8);
}

static enum doc_kind kind_of(uint8_t type_ref)
{
    enum { MAP = 1, TEXT = 2, XML_TEXT = 6 };
    if (type_ref == MAP)
        return DOC_MAP;
    return type_ref == TEXT || type_ref == XML_TEXT ? DOC_TEXT : DOC_ARRAY;
}

/* Begins an array or a map; a text is written at once. */
static void open_level(struct level *levels, uint32_t *depth, struct text *out,
                       const struct doc_branch *branch, enum doc_kind kind)
{
    if (*depth == LEVELS_MAX) {
        text_add(out, SPAN("null"));
        return;
    }
    if (kind == DOC_TEXT) {
        write_json_text(out, branch);
        return;
    }
    text_add(out, kind == DOC_MAP ? SPAN("{") : SPAN("["));
    levels[(*depth)++] =
        (struct level){.kind = kind, .item = branch->start, .leaf = branch->map.first};
}

/* The next value of the level, and which of its item; NULL at the end. A map's has its key. */
static const struct doc_item *next_value(struct level *level, uint64_t *index)
{
    if (level->kind == DOC_MAP) {
        while (level->leaf != NULL) {
            const struct doc_item *item = level->leaf->value;
            level->leaf = level->leaf->next;
            *index = item->len - 1;
            if (!item->is_deleted)
                return item;
        }
        return NULL;
    }
    while (level->item != NULL) {
        const struct doc_item *item = level->item;
        *index = level->index++;
        if (!item->is_deleted && doc_counts(item) && *index < item->len)
            return item;
        level->item = item->right;
        level->index = 0;
    }
    return NULL;
}

void doc_json(const struct doc *doc, struct text *out, struct span name, enum doc_kind kind)
{
    struct level *levels = malloc(LEVELS_MAX * sizeof *levels);
    uint32_t depth = 0;
    if (levels == NULL)
        abort();
    open_level(levels, &depth, out, find_root(doc, name), kind);
    while (depth > 0) {
        struct level *level = &levels[depth - 1];
        uint64_t index;
        const struct doc_item *item = next_value(level, &index);
        if (item == NULL) {
            text_add(out, level->kind == DOC_MAP ? SPAN("}") : SPAN("]"));
            depth--;
            continue;
        }
        char last = out->at[out->len - 1];
        if (last != '{' && last != '[')
            text_add(out, SPAN(","));
        if (level->kind == DOC_MAP) {
            text_add_json(out, item->key);
            text_add(out, SPAN(":"));
        }
        if (item->content == DOC_TYPE)
            open_level(levels, &depth, out, item->branch, kind_of(item->type_ref));
        else if (item->content == DOC_ANY)
            lib0_write_json(out, item->values[index]);
        else
            text_add(out, SPAN("null"));
    }
    free(levels);
}

void doc_text(const struct doc *doc, struct text *out, struct span name)
{
    write_text(out, find_root(doc, name));
}

size_t doc_text_units(const struct doc *doc, struct span name)
{
    return find_root(doc, name)->length;
}

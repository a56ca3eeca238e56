#include "gpu/tree.h"

#include <math.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/scan.h"

struct level {
    struct scan_list list;
    struct tree *node; /* the array or object */
    struct tree *last; /* of its children */
};

struct parser {
    struct scan scan;
    struct arena *arena;
    struct level open[SCAN_DEPTH_MAX];
    size_t depth;
    uint32_t nodes;
};

static enum tree_type type_of(char c)
{
    switch (c) {
    case '"':
        return TREE_STRING;
    case '[':
        return TREE_ARRAY;
    case '{':
        return TREE_OBJECT;
    case 't':
    case 'f':
        return TREE_BOOL;
    case 'n':
        return TREE_NULL;
    default:
        return TREE_NUMBER;
    }
}

/* A string is decoded; of any other scalar the text is kept as it is. */
static bool read_scalar(struct parser *parser, struct tree *node, struct err *err)
{
    if (node->type == TREE_STRING)
        return scan_text(&parser->scan, parser->arena, &node->text, err);
    const char *begin = parser->scan.at;
    if (!scan_skip(&parser->scan, err))
        return false;
    node->text = (struct span){begin, (size_t)(parser->scan.at - begin)};
    return true;
}

static bool open_level(struct parser *parser, struct tree *node, struct err *err)
{
    struct scan *scan = &parser->scan;
    if (parser->depth == SCAN_DEPTH_MAX)
        return scan_refuse(scan, scan->at, err, "more than %d levels", SCAN_DEPTH_MAX);
    struct level *level = &parser->open[parser->depth++];
    *level = (struct level){.node = node};
    return node->type == TREE_ARRAY ? scan_array(scan, &level->list, err)
                                    : scan_object(scan, &level->list, err);
}

/* One value, a child of what is open; when it opens a level itself, it has none yet. */
static bool read_value(struct parser *parser, struct tree *node, struct err *err)
{
    struct scan *scan = &parser->scan;
    if (++parser->nodes > TREE_NODES_MAX)
        return scan_refuse(scan, scan->at, err, "more than %d values", TREE_NODES_MAX);
    node->type = type_of(scan_peek(scan));
    if (node->type == TREE_ARRAY || node->type == TREE_OBJECT)
        return open_level(parser, node, err);
    return read_scalar(parser, node, err);
}

static bool read_child(struct parser *parser, struct err *err)
{
    struct level *level = &parser->open[parser->depth - 1];
    struct tree *child = arena_alloc(parser->arena, sizeof *child);
    if (level->node->type == TREE_OBJECT &&
        !scan_key(&parser->scan, parser->arena, &child->key, err))
        return false;
    if (level->last == NULL)
        level->node->first = child;
    else
        level->last->next = child;
    level->last = child;
    level->node->count++;
    return read_value(parser, child, err);
}

/* Closes what has ended: a list's end is an item of the list around it. */
static bool close_levels(struct parser *parser, size_t depth_before, struct err *err)
{
    bool item_ended = parser->depth <= depth_before;
    while (parser->depth > 0) {
        struct level *level = &parser->open[parser->depth - 1];
        if (item_ended && !scan_next(&parser->scan, &level->list, err))
            return false;
        if (level->list.more)
            return true;
        parser->depth--;
        item_ended = true;
    }
    return true;
}

static bool read_document(struct parser *parser, struct tree *root, struct err *err)
{
    if (!read_value(parser, root, err) || !close_levels(parser, 0, err))
        return false;
    while (parser->depth > 0) {
        size_t depth = parser->depth;
        if (!read_child(parser, err) || !close_levels(parser, depth, err))
            return false;
    }
    return scan_end(&parser->scan, err);
}

bool tree_parse(const struct tree **tree, struct arena *arena, struct span text, struct err *err)
{
    struct parser parser = {.scan = scan_begin(text), .arena = arena};
    struct tree *root = arena_alloc(arena, sizeof *root);
    *tree = root;
    return read_document(&parser, root, err);
}

const struct tree *tree_get(const struct tree *tree, const char *key)
{
    struct span wanted = {key, strlen(key)};
    if (tree == NULL || tree->type != TREE_OBJECT)
        return NULL;
    for (const struct tree *member = tree->first; member != NULL; member = member->next)
        if (span_eq(member->key, wanted))
            return member->type == TREE_NULL ? NULL : member;
    return NULL;
}

const struct tree *tree_as(const struct tree *tree, enum tree_type type)
{
    return tree != NULL && tree->type == type ? tree : NULL;
}

struct span tree_text(const struct tree *tree)
{
    return tree_as(tree, TREE_STRING) != NULL ? tree->text : (struct span){0};
}

bool tree_is(const struct tree *tree, const char *text)
{
    return tree_as(tree, TREE_STRING) != NULL &&
           span_eq(tree->text, (struct span){text, strlen(text)});
}

bool tree_integer(const struct tree *tree, uint64_t *out, uint64_t max)
{
    int64_t value;
    if (tree_as(tree, TREE_NUMBER) == NULL || !number_value(&value, tree->text) || value < 0 ||
        (uint64_t)value > max)
        return false;
    *out = (uint64_t)value;
    return true;
}

bool tree_number(const struct tree *tree, double *out)
{
    char digits[64];
    if (tree_as(tree, TREE_NUMBER) == NULL || tree->text.len >= sizeof digits)
        return false;
    memcpy(digits, tree->text.at, tree->text.len);
    digits[tree->text.len] = '\0';
    double value = strtod(digits, NULL);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

bool tree_bool(const struct tree *tree, bool absent)
{
    return tree_as(tree, TREE_BOOL) != NULL ? tree->text.len == 4 : absent;
}

/* tree.h - a JSON document of a model as a tree: configurations, vocabularies, headers.
 *
 * shared/scan reads it, so what that refuses is refused here; numbers stay text until asked for.
 * A member that is absent reads as NULL, and NULL reads as absent, so questions chain.
 *
 *   units      TREE_NODES_MAX values in one document
 *   ownership  everything lives in the arena, or points into the text
 *   threads    immutable once parsed
 *   errors     ERR_INVALID, with the byte
 *   spec       RFC 8259
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;

enum { TREE_NODES_MAX = 1 << 24 };

enum tree_type { TREE_NULL, TREE_BOOL, TREE_NUMBER, TREE_STRING, TREE_ARRAY, TREE_OBJECT };

struct tree {
    enum tree_type type;
    uint32_t count;           /* items or members */
    struct span key;          /* of a member */
    struct span text;         /* of a string, decoded; of a number or a bool, as written */
    const struct tree *first; /* item or member */
    const struct tree *next;  /* beside this one */
};

MUST_CHECK bool tree_parse(const struct tree **tree, struct arena *arena, struct span text,
                           struct err *err);

/* The first member of that name; NULL when there is none, or it is null. */
const struct tree *tree_get(const struct tree *tree, const char *key);

/* NULL, or the node when it is of that type. */
const struct tree *tree_as(const struct tree *tree, enum tree_type type);

/* Empty unless it is a string. */
struct span tree_text(const struct tree *tree);
bool tree_is(const struct tree *tree, const char *text);

/* False, and out untouched, unless it is a whole number from 0 to max. */
bool tree_integer(const struct tree *tree, uint64_t *out, uint64_t max);

/* False, and out untouched, unless it is a number, and finite. */
bool tree_number(const struct tree *tree, double *out);

/* absent, when it is no bool. */
bool tree_bool(const struct tree *tree, bool absent);

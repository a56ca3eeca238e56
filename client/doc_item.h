/* doc_item.h - what a document is made of, for the files that make up doc.
 *
 *   ownership  items, branches and contents live in the document's arena, until doc_free
 */
#pragma once

#include "client/trie.h"

#define DOC_NONE UINT64_MAX /* as a client: no id */

enum doc_content {
    DOC_GC = 0, /* a gap that has no place in any list any more */
    DOC_DELETED = 1,
    DOC_JSON = 2,
    DOC_BINARY = 3,
    DOC_STRING = 4,
    DOC_EMBED = 5,
    DOC_FORMAT = 6,
    DOC_TYPE = 7,
    DOC_ANY = 8,
    DOC_SUBDOCUMENT = 9,
    DOC_SKIP = 10,
};

struct doc_id {
    uint64_t client, clock;
};

static inline bool doc_id_equal(struct doc_id a, struct doc_id b)
{
    return a.client == b.client && (a.client == DOC_NONE || a.clock == b.clock);
}

struct doc_item {
    struct doc_id id;
    uint64_t len; /* clocks it takes */
    struct doc_id origin, right_origin, parent_id;
    struct doc_item *left, *right;
    struct doc_branch *parent; /* NULL while only parent_id is known */
    struct span key;           /* in a map */
    bool has_key, is_deleted;
    uint8_t content;      /* enum doc_content */
    uint8_t type_ref;     /* of a type: which; 3 and 5 have a name */
    uint64_t scan, group; /* marks of the last search for a place */
    union {
        uint16_t *units;     /* a string: len of them */
        struct span *values; /* JSON and any: len of them, each as it was read */
        struct span raw;     /* the others, as they were read */
        struct doc_branch *branch;
    };
};

struct doc_branch {        /* a shared type */
    struct doc_item *item; /* that holds it; NULL for one that has a name */
    struct span name;      /* in the document; of an XML type, its node name */
    struct doc_item *start;
    struct trie map;         /* key: the newest item */
    uint64_t length;         /* of what counts and is not deleted */
    struct doc_item *cursor; /* where text was last found; NULL: nowhere */
    uint64_t cursor_at;
};

struct doc_stack {
    struct doc_item **at;
    size_t count, capacity;
};

struct doc_range {
    struct doc_id id;
    uint64_t len;
};

struct doc_ranges {
    struct doc_range *at;
    size_t count, capacity;
};

static inline bool doc_counts(const struct doc_item *item)
{
    return item->content != DOC_GC && item->content != DOC_DELETED && item->content != DOC_FORMAT;
}

static inline struct doc_id doc_last_id(const struct doc_item *item)
{
    return (struct doc_id){item->id.client, item->id.clock + item->len - 1};
}

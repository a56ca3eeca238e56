/* doc_parts.h - a document whole: its items by writer, what waits, what can be undone.
 *
 * For the files that make up doc.
 *
 *   ownership  arrays that grow are malloc's, and doc_free's; edits live in the arena
 */
#pragma once

#include "client/doc.h"
#include "client/doc_item.h"
#include "shared/arena.h"
#include "shared/text.h"

struct doc_writer {
    uint64_t client;
    struct doc_item **items; /* by clock, without gaps between */
    size_t count, capacity;
    struct doc_item **waiting; /* by clock */
    size_t waiting_count, waiting_capacity;
    size_t waiting_first;  /* those before are done; 0 between updates */
    uint64_t reach;        /* up to where all is here that its structs stand on */
    struct doc_stack lost; /* of DOC_REST, whole */
};

struct doc_again { /* deleted, and put there again by an undo */
    struct doc_range was;
    struct doc_id is; /* the first of as many */
};

struct doc_edit { /* what one local edit did, to be taken back */
    struct doc_edit *next;
    struct doc_range *inserted, *deleted;
    uint16_t **deleted_units; /* what was in each */
    size_t inserted_count, deleted_count;
};

struct doc {
    struct arena arena;
    uint64_t client;
    struct doc_writer **writers; /* by client */
    size_t writer_count, writer_capacity;
    struct trie roots; /* name: doc_branch */
    struct doc_ranges waiting_deletions;
    struct doc_stack garbage; /* deleted, content not dropped yet */
    uint64_t scan, group;
    struct doc_edit *undo, *redo;
    struct doc_edit *recording; /* NULL: what is done is not to be undone */
    struct doc_again *again;
    size_t again_count;
    bool is_marked;
    struct text mark;        /* the state vector at doc_mark */
    struct doc_ranges fresh; /* what was deleted since */
};

/* Makes room for one more element in an array of malloc's. */
#define doc_grow(type, array, count, capacity) \
    ((array) = doc_grow_array(array, sizeof(type), count, &(capacity)))
void *doc_grow_array(void *array, size_t size, size_t count, size_t *capacity);

/* doc_read: an update, read whole before any of it is applied. */
struct doc_update {
    struct doc_stack items;
    struct doc_ranges deletions;
};
bool doc_read_update(struct doc *doc, struct doc_update *update, struct span bytes,
                     struct err *err);
void doc_clear_update(struct doc_update *update);

/* doc_store: items by id. */
struct doc_writer *doc_writer_of(const struct doc *doc, uint64_t client);
struct doc_writer *doc_writer_make(struct doc *doc, uint64_t client);
size_t doc_find(const struct doc_writer *writer, uint64_t clock);
void doc_add_range(struct doc_ranges *ranges, struct doc_id id, uint64_t len);
struct doc_item *doc_item_at(const struct doc *doc, struct doc_id id);
struct doc_branch *doc_root(struct doc *doc, struct span name);
void doc_append(struct doc_writer *writer, struct doc_item *item);

/* Cuts the item at that place of writer after len clocks; returns the second half. */
struct doc_item *doc_split(struct doc *doc, struct doc_writer *writer, size_t place, uint64_t len);

/* The item that begins, or ends, with id, cut out where it must be. */
struct doc_item *doc_clean_start(struct doc *doc, struct doc_id id);
struct doc_item *doc_clean_end(struct doc *doc, struct doc_id id);

static inline bool doc_is_known(const struct doc *doc, struct doc_id id)
{
    return id.client == DOC_NONE || id.clock < doc_clock(doc, id.client);
}

/* doc_circle: the first of what waits that ends past that clock. */
size_t doc_waiting_at(const struct doc_writer *writer, uint64_t clock);

/* Puts structs that wait for themselves, by way of others, where what is lost was; false
 * when there is none, or too much is missing to say. */
bool doc_cut_circle(struct doc *doc);

/* doc_integrate: places in lists. */
void doc_integrate(struct doc *doc, struct doc_item *item, uint64_t offset);
void doc_delete_item(struct doc *doc, struct doc_item *item);

/* doc_compact: drops the content of what is deleted; joins neighbours that are one run. */
void doc_drop_garbage(struct doc *doc);
void doc_join(struct doc *doc);

/* doc_encode: an update's deletions, which are sorted and joined for it. */
void doc_add_deletions(struct text *out, struct doc_ranges *ranges);

/* doc_edit: writes of our own. */
void doc_begin_edit(struct doc *doc);
void doc_delete_now(struct doc *doc, struct doc_item *item);
void doc_insert_units(struct doc *doc, struct doc_branch *parent, struct doc_item *left,
                      uint16_t *units, size_t count);

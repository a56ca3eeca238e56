/* shoal_doc.c - the texts of entities: written here, and by editors that speak Yjs. */
#include <stdlib.h>

#include "client/catalog.h"
#include "client/doc.h"
#include "client/hlc.h"
#include "client/holder.h"
#include "client/pen_text.h"
#include "client/replica.h"
#include "client/shoal_parts.h"
#include "client/store.h"

/* One event about a text. */
struct writing {
    struct bytes32 root;
    const struct shoal_edit *edit;
};

static bool splice(struct pen *pen, struct pen_change *change, const struct shoal_edit *edit,
                   struct event *event, struct err *err)
{
    const struct span name = SPAN(REPLICA_TEXT), utf8 = shoal_span(edit->utf8);
    if (edit->count == 0 && utf8.len == 0)
        return err_set(err, ERR_INVALID, "nothing to change");
    struct doc *doc = pen_text_open(pen, change, err);
    bool ok = doc != NULL && doc_text_delete(doc, name, edit->at, edit->count, err) &&
              doc_text_insert(doc, name, edit->at, utf8, err) &&
              pen_text_write(pen, change, doc, event, err);
    doc_free(doc);
    return ok;
}

static bool write_edit(struct pen *pen, struct pen_change *change, const struct shoal_edit *edit,
                       struct event *event, struct err *err)
{
    const struct span update = {edit->update, edit->update_size};
    switch (edit->kind) {
    case SHOAL_SPLICE:
        return splice(pen, change, edit, event, err);
    case SHOAL_UPDATE:
        return pen_text_apply(pen, change, update, event, err);
    case SHOAL_UNDO:
        return pen_text_undo(pen, change, DOC_UNDO, event, err);
    case SHOAL_REDO:
        return pen_text_undo(pen, change, DOC_REDO, event, err);
    }
    return err_set(err, ERR_INVALID, "no kind of edit");
}

static bool write_event(void *owner, struct pen *pen, struct err *err)
{
    const struct writing *writing = owner;
    struct pen_change change = {0};
    struct event event;
    bool ok = pen_load(pen, &change, &writing->root, err) &&
              write_edit(pen, &change, writing->edit, &event, err);
    pen_clear(&change);
    return ok;
}

bool shoal_doc_edit(struct shoal_store *store, const struct shoal_keys *keys, const char *id,
                    const struct shoal_edit *edit, struct shoal_error *error)
{
    struct writing writing = {.edit = edit};
    return shoal_reference(&writing.root, id, error) &&
           shoal_write(store, keys, write_event, &writing, error);
}

bool shoal_doc_client(struct shoal_store *store, const struct shoal_keys *keys, const char *id,
                      uint64_t *client, struct shoal_error *error)
{
    struct bytes32 root;
    if (!shoal_reference(&root, id, error))
        return false;
    *client = doc_client(&root, holder_pubkey(keys->holder), store_device(store->store));
    return true;
}

/* Appends what the document of an entity has that a state vector lacks. */
static bool write_diff(struct store *store, struct text *out, const struct bytes32 *root,
                       struct span vector, struct err *err)
{
    struct replica *replica;
    if (!catalog_load(store, &replica, root, shoal_now_ms() + HLC_AHEAD_MAX_MS, err))
        return false;
    struct doc *doc = replica_doc(replica), *empty = doc_new(0);
    bool ok = (replica_author(replica) != NULL ||
               err_set(err, ERR_INVALID, "it is no entity that is here")) &&
              doc_diff(doc != NULL ? doc : empty, out, vector, err);
    doc_free(empty);
    replica_free(replica);
    return ok;
}

char *shoal_doc_diff(struct shoal_store *store, const char *id, const void *vector,
                     size_t vector_size, size_t *size, struct shoal_error *error)
{
    const struct span known = vector != NULL ? (struct span){vector, vector_size} : SPAN("");
    struct text out = {0};
    struct bytes32 root;
    struct err err;
    if (!shoal_reference(&root, id, error))
        return NULL;
    if (!shoal_store_ready(store, &err) || !write_diff(store->store, &out, &root, known, &err)) {
        text_clear(&out);
        shoal_fail(error, &err);
        return NULL;
    }
    *size = out.len;
    return out.at;
}

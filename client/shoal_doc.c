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
    size_t at, count; /* a splice: what goes, */
    struct span utf8; /* and what comes */
    struct span update;
};

static bool write_splice(struct pen *pen, struct pen_change *change, struct doc *doc,
                         const struct text *before, const struct writing *writing, struct err *err)
{
    struct event event;
    const struct span name = SPAN(REPLICA_TEXT);
    if (writing->count == 0 && writing->utf8.len == 0)
        return err_set(err, ERR_INVALID, "nothing to change");
    return doc_text_delete(doc, name, writing->at, writing->count, err) &&
           doc_text_insert(doc, name, writing->at, writing->utf8, err) &&
           pen_text_write(pen, change, doc, before, &event, err);
}

/* That it goes on where this device's writing ended, so that it says nothing twice. */
static bool check_update(struct doc *doc, const struct pen *pen, const struct writing *writing,
                         struct err *err)
{
    uint64_t client = doc_client(&writing->root, pen_me(pen), store_device(pen->store)), from, to;
    uint64_t clock = doc_clock(doc, client);
    if (!doc_is_by(writing->update, client, &from, &to, err))
        return false;
    if (from < to && from != clock)
        return err_set(err, ERR_INVALID, "it begins at clock %llu, and what is here ends at %llu",
                       (unsigned long long)from, (unsigned long long)clock);
    return doc_apply(doc, writing->update, DOC_VALID, err) &&
           (doc_pending(doc) == 0 || err_set(err, ERR_INVALID, "it builds on what is not here"));
}

static bool write_event(void *owner, struct pen *pen, struct err *err)
{
    const struct writing *writing = owner;
    struct pen_change change = {0};
    struct text before = {0};
    struct event event;
    struct doc *doc = NULL;
    bool ok = pen_load(pen, &change, &writing->root, err);
    if (ok)
        doc = pen_text_open(pen, &change, &before, err);
    ok = doc != NULL;
    if (ok && writing->update.at == NULL)
        ok = write_splice(pen, &change, doc, &before, writing, err);
    else if (ok)
        ok = check_update(doc, pen, writing, err) &&
             pen_text_pass(pen, &change, writing->update, &event, err);
    text_clear(&before);
    doc_free(doc);
    pen_clear(&change);
    return ok;
}

// NOLINTNEXTLINE(readability-function-size): where, how much and what are a splice
bool shoal_doc_splice(struct shoal_store *store, const struct shoal_keys *keys, const char *id,
                      size_t at, size_t count, const char *utf8, struct shoal_error *error)
{
    struct writing writing = {.at = at, .count = count, .utf8 = shoal_span(utf8)};
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

bool shoal_doc_apply(struct shoal_store *store, const struct shoal_keys *keys, const char *id,
                     const void *update, size_t size, struct shoal_error *error)
{
    struct writing writing = {.update = {update, size}};
    return shoal_reference(&writing.root, id, error) &&
           shoal_write(store, keys, write_event, &writing, error);
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

#include "client/pen_text.h"

#include "client/catalog_circle.h"
#include "client/prose.h"
#include "client/replica.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

enum { UPDATE_BYTES_MAX = 44000 }; /* of base64 relays take little more than that */

static uint64_t client_of(const struct pen *pen, const struct pen_change *change)
{
    return doc_client(&change->node.root, pen_me(pen), store_device(pen->store));
}

struct doc *pen_text_open(const struct pen *pen, const struct pen_change *change, struct err *err)
{
    struct text all = {0};
    struct doc *doc = doc_new(client_of(pen, change));
    struct doc *seen = replica_doc(change->replica);
    bool ok = seen == NULL || (doc_diff(seen, &all, SPAN(""), err) &&
                               doc_apply(doc, text_span(&all), DOC_VALID, err));
    text_clear(&all);
    if (ok) {
        doc_mark(doc);
        return doc;
    }
    doc_free(doc);
    return NULL;
}

static bool finish(struct pen *pen, struct pen_change *change, const struct prose_update *update,
                   struct event *event, struct err *err)
{
    if (update->bytes.len > UPDATE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "too much at once: over %d bytes", UPDATE_BYTES_MAX);
    return pen_finish_text(pen, change, update, event, err);
}

/* What is new in the document: bytes of update. */
static bool finish_news(struct pen *pen, struct pen_change *change, struct doc *doc,
                        struct prose_update *update, struct event *event, struct err *err)
{
    struct text news = {0};
    doc_news(doc, &news);
    update->bytes = text_span(&news);
    bool ok = finish(pen, change, update, event, err);
    text_clear(&news);
    return ok;
}

bool pen_text_write(struct pen *pen, struct pen_change *change, struct doc *doc,
                    struct event *event, struct err *err)
{
    struct prose_update update = {.step = DOC_EDIT};
    return finish_news(pen, change, doc, &update, event, err);
}

/* ---- what an editor wrote ---- */

/* Whose name the news of the document are written in; none where they only delete. */
static bool read_news(struct prose_update *update, struct doc *doc, uint64_t own, struct err *err)
{
    struct text news = {0};
    uint64_t from, to, writer;
    doc_news(doc, &news);
    bool has_news = news.len > 2 || (news.len == 2 && (news.at[0] != 0 || news.at[1] != 0));
    bool ok = has_news || err_set(err, ERR_INVALID, "it says nothing that is not here");
    writer = ok && doc_writer(text_span(&news), &writer) ? writer : own;
    ok = ok && doc_is_by(text_span(&news), writer, &from, &to, err);
    update->client = writer;
    update->is_claim = writer != own;
    text_clear(&news);
    return ok;
}

static bool check_claim(const struct pen *pen, const struct pen_change *change,
                        const struct prose_update *update, struct err *err)
{
    const struct bytes32 *owner = replica_owner(change->replica, update->client);
    return !update->is_claim || owner == NULL || memcmp(owner, pen_me(pen), sizeof *owner) == 0 ||
           err_set(err, ERR_RESTRICTED, "client %llu is somebody else's: take another clientID",
                   (unsigned long long)update->client);
}

bool pen_text_apply(struct pen *pen, struct pen_change *change, struct span update,
                    struct event *event, struct err *err)
{
    struct prose_update writing = {.step = DOC_EDIT};
    struct doc *doc = pen_text_open(pen, change, err);
    bool ok = doc != NULL && doc_apply(doc, update, DOC_VALID, err) &&
              (doc_pending(doc) == 0 || err_set(err, ERR_INVALID, "it builds on what is not here"));
    ok = ok && read_news(&writing, doc, client_of(pen, change), err) &&
         check_claim(pen, change, &writing, err) &&
         finish_news(pen, change, doc, &writing, event, err);
    doc_free(doc);
    return ok;
}

/* ---- undoing ---- */

bool pen_text_undo(struct pen *pen, struct pen_change *change, enum doc_step step,
                   struct event *event, struct err *err)
{
    struct prose_update update = {.step = step};
    struct doc *doc = replica_replay(change->replica, client_of(pen, change));
    doc_mark(doc);
    update.step_count = step == DOC_UNDO ? doc_undo(doc) : doc_redo(doc);
    bool ok = update.step_count > 0
                  ? finish_news(pen, change, doc, &update, event, err)
                  : err_set(err, ERR_INVALID, "this device has written nothing to %s",
                            step == DOC_UNDO ? "undo" : "make again");
    doc_free(doc);
    return ok;
}

/* ---- against what does not count ---- */

static bool mend(struct pen *pen, uint64_t *count, const struct bytes32 *root, struct err *err)
{
    struct pen_change change = {0};
    struct text update = {0};
    struct event event;
    bool ok = pen_load(pen, &change, root, err);
    if (ok && replica_mend(change.replica, &update)) {
        const struct prose_update writing = {.bytes = text_span(&update)};
        ok = finish(pen, &change, &writing, &event, err);
        *count += ok;
    }
    text_clear(&update);
    pen_clear(&change);
    return ok;
}

bool pen_text_mend(struct pen *pen, uint64_t *count, const struct bytes32 *circle, struct err *err)
{
    struct bytes32 *roots;
    size_t root_count;
    struct err why;
    *count = 0;
    if (!catalog_idle(pen->store, &roots, &root_count, &pen->arena, circle, err))
        return false;
    for (size_t i = 0; i < root_count; i++)
        if (!mend(pen, count, &roots[i], &why) && why.code != ERR_RESTRICTED)
            return err_set(err, why.code, "%s", why.text);
    return true; /* who may not write, or lacks the key, leaves it to others */
}

#include "client/pen_text.h"

#include "client/doc.h"
#include "client/replica.h"
#include "client/store.h"
#include "shared/err.h"
#include "shared/text.h"

enum { UPDATE_BYTES_MAX = 44000 }; /* of base64 relays take little more than that */

struct doc *pen_text_open(const struct pen *pen, const struct pen_change *change,
                          struct text *before, struct err *err)
{
    struct text all = {0};
    const struct bytes32 *root = &change->node.root;
    struct doc *doc = doc_new(doc_client(root, pen_me(pen), store_device(pen->store)));
    struct doc *seen = replica_doc(change->replica);
    bool ok = seen == NULL || (doc_diff(seen, &all, SPAN(""), err) &&
                               doc_apply(doc, text_span(&all), DOC_VALID, err));
    text_clear(&all);
    if (ok) {
        doc_state_vector(doc, before);
        return doc;
    }
    doc_free(doc);
    return NULL;
}

bool pen_text_pass(struct pen *pen, struct pen_change *change, struct span update,
                   struct event *event, struct err *err)
{
    if (update.len > UPDATE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "too much at once: over %d bytes", UPDATE_BYTES_MAX);
    return pen_finish_text(pen, change, update, event, err);
}

bool pen_text_write(struct pen *pen, struct pen_change *change, struct doc *doc,
                    const struct text *before, struct event *event, struct err *err)
{
    struct text update = {0};
    bool ok = doc_diff(doc, &update, text_span(before), err) &&
              pen_text_pass(pen, change, text_span(&update), event, err);
    text_clear(&update);
    return ok;
}

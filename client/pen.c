#include "client/pen.h"

#include <sodium.h>

#include "client/audience.h"
#include "client/canon.h"
#include "client/catalog.h"
#include "client/circle.h"
#include "client/draft.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/holder.h"
#include "client/outbox.h"
#include "client/pen_circle.h"
#include "client/prose.h"
#include "client/replica.h"
#include "client/roll.h"
#include "client/state.h"
#include "client/store.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

const struct bytes32 *pen_me(const struct pen *pen)
{
    return holder_pubkey(pen->holder);
}

bool pen_sign(struct pen *pen, struct event *event, struct draft *draft, struct err *err)
{
    struct bytes32 aux;
    randombytes_buf(&aux, sizeof aux);
    draft_finish(draft, event, &pen->arena);
    draft_clear(draft);
    return holder_sign(pen->holder, event, &aux, err);
}

bool pen_put_at(struct pen *pen, const struct event *event, const struct span *relays, size_t count,
                struct err *err)
{
    enum store_verdict verdict;
    pen->queued = count;
    return store_put(pen->store, &verdict, event, relays, count, err);
}

bool pen_put(struct pen *pen, const struct event *event, struct err *err)
{
    return pen_put_at(pen, event, pen->relays, pen->relay_count, err);
}

static bool has_relay(const struct pen *pen, struct span url)
{
    for (size_t i = 0; i < pen->relay_count; i++)
        if (span_eq(pen->relays[i], url))
            return true;
    return false;
}

bool pen_tell(struct pen *pen, const struct event *event, struct err *err)
{
    struct audience audience = {0};
    size_t count = pen->relay_count;
    if (!pen->has_named_relays && !audience_find(pen->store, &audience, &pen->arena, event, err))
        return false;
    struct span *relays = arena_array(&pen->arena, struct span, count + audience.relay_count);
    if (count > 0)
        memcpy(relays, pen->relays, count * sizeof *relays);
    for (size_t i = 0; i < audience.relay_count; i++)
        if (!has_relay(pen, audience.relays[i]))
            relays[count++] = audience.relays[i];
    return pen_put_at(pen, event, relays, count, err) &&
           (audience.unknown_count == 0 || outbox_route_later(pen->store, &event->id, err));
}

/* ---- entities ---- */

struct op *pen_op(struct pen *pen, struct pen_change *change, enum op_type type, struct span key)
{
    change->ops = arena_grow(&pen->arena, struct op, change->ops, change->op_count);
    struct op *op = &change->ops[change->op_count++];
    *op = (struct op){.type = type, .key = key};
    return op;
}

bool pen_value(struct pen *pen, struct span *json, struct span value, bool is_json, struct err *err)
{
    struct text out = {0};
    if (!utf8_is(value))
        return err_set(err, ERR_INVALID, "a value that is not UTF-8");
    if (!is_json) {
        text_add_json(&out, value);
        value = arena_copy(&pen->arena, text_span(&out));
        text_clear(&out);
    }
    struct scan scan = scan_begin(value);
    scan.subject = SPAN("value");
    return canon_scan(json, &pen->arena, &scan, err) && scan_end(&scan, err);
}

bool pen_remove(struct pen *pen, struct pen_change *change, struct span key, struct span json,
                struct err *err)
{
    size_t count = 0, tag_count = 0;
    const struct state *state =
        change->replica != NULL ? entity_state(replica_entity(change->replica)) : NULL;
    const struct state_element **elements =
        state != NULL ? state_elements(state, &pen->arena, key, &count) : NULL;
    struct op_tag *tags = arena_array(&pen->arena, struct op_tag, count + 1);
    for (size_t i = 0; i < count; i++)
        if (span_eq(elements[i]->value, json))
            tags[tag_count++] = (struct op_tag){elements[i]->event, elements[i]->index};
    if (tag_count == 0 || tag_count > OP_TAGS_MAX)
        return err_set(err, ERR_INVALID, "%.*s is not in %.*s", SPAN_ARG(json), SPAN_ARG(key));
    struct op *op = pen_op(pen, change, OP_REM, key);
    op->tags = tags;
    op->tag_count = (uint32_t)tag_count;
    return true;
}

struct roll *pen_list(struct pen *pen, struct pen_change *change, struct span key)
{
    for (size_t i = 0; i < change->list_count; i++)
        if (span_eq(change->lists[i]->key, key))
            return change->lists[i];
    const struct state *state =
        change->replica != NULL ? entity_state(replica_entity(change->replica)) : NULL;
    struct roll_ops ops = {&change->ops, &change->op_count};
    struct roll *list = roll_new(&pen->arena, ops, state, key, randombytes_random());
    change->lists = arena_grow(&pen->arena, struct roll *, change->lists, change->list_count);
    change->lists[change->list_count++] = list;
    return list;
}

bool pen_create(struct pen *pen, struct pen_change *change, struct span type, struct err *err)
{
    *change = (struct pen_change){0};
    pen_op(pen, change, OP_CREATE, type);
    return hlc_next(&change->node.hlc, 0, pen->now_ms, err);
}

/* What began as private stays it. */
static bool find_privacy(struct pen *pen, struct pen_change *change, const struct bytes32 *root,
                         struct err *err)
{
    struct event event;
    struct span json;
    if (!store_get(pen->store, &json, &pen->arena, root, err))
        return false;
    change->is_private = event_parse(&event, &pen->arena, json, NULL) && event_is_protected(&event);
    return true;
}

bool pen_join(struct pen *pen, struct pen_change *change, const struct bytes32 *circle,
              struct err *err)
{
    struct circle *joined;
    if (!pen_circle_load(pen, &joined, circle, err))
        return false;
    bool ok = pen_circle_check(pen, joined, NULL, KIND_OP, err) &&
              circle_ground(joined, &change->node, change->grounds, pen->now_ms, err);
    circle_free(joined);
    change->is_private = false; /* but for its members */
    return ok;
}

bool pen_load(struct pen *pen, struct pen_change *change, const struct bytes32 *root,
              struct err *err)
{
    *change = (struct pen_change){0};
    if (!catalog_load(pen->store, &change->replica, root, pen->now_ms + HLC_AHEAD_MAX_MS, err))
        return false;
    const struct bytes32 *author = replica_author(change->replica);
    if (author == NULL)
        return err_set(err, ERR_INVALID, "it is no entity that is here");
    struct circle *circle = replica_circle(change->replica);
    if (circle != NULL && !pen_circle_check(pen, circle, root, 0, err))
        return false;
    if (circle == NULL && memcmp(author, pen_me(pen), sizeof *author) != 0)
        return err_set(err, ERR_RESTRICTED, "it is somebody else's");
    return find_privacy(pen, change, root, err) &&
           replica_next(change->replica, &change->node, change->parents, change->grounds,
                        pen->now_ms, err);
}

void pen_clear(struct pen_change *change)
{
    replica_free(change->replica);
    change->replica = NULL;
}

/* Signs, keeps and queues the draft, which ends, as the next event of this device. */
static bool finish(struct pen *pen, struct pen_change *change, struct draft *draft,
                   struct event *event, struct err *err)
{
    struct node *node = &change->node;
    size_t relays = change->is_private && !pen->has_named_relays ? 0 : pen->relay_count;
    node->has_writer = true;
    node->device = store_device(pen->store);
    if (!catalog_seq(pen->store, &node->seq, pen_me(pen), err)) {
        draft_clear(draft);
        return false;
    }
    node->seq++;
    node_draft(node, draft);
    for (size_t i = 0; i < change->name_count; i++)
        draft_tag_pair(draft, SPAN("i"), change->names[i]);
    if (change->is_private)
        draft_tag(draft, (struct span[]){SPAN("-")}, 1);
    return pen_sign(pen, event, draft, err) &&
           (node->has_circle ? pen_circle_put(pen, &node->circle, event, err)
                             : pen_put_at(pen, event, pen->relays, relays, err));
}

bool pen_finish(struct pen *pen, struct pen_change *change, struct event *event, struct err *err)
{
    struct op_list ops;
    struct draft draft = {.kind = KIND_OP};
    text_add(&draft.content, SPAN("["));
    for (size_t i = 0; i < change->op_count; i++) {
        text_add(&draft.content, i > 0 ? SPAN(",") : SPAN(""));
        op_write(&draft.content, &change->ops[i]);
    }
    text_add(&draft.content, SPAN("]"));
    return finish(pen, change, &draft, event, err) &&
           op_parse(&ops, &pen->arena, event, err); /* as everybody else will read it */
}

bool pen_finish_text(struct pen *pen, struct pen_change *change, const struct prose_update *update,
                     struct event *event, struct err *err)
{
    struct draft draft = {0};
    prose_draft(&draft, update);
    return finish(pen, change, &draft, event, err);
}

bool pen_finish_saying(struct pen *pen, struct pen_change *change, struct span text,
                       struct event *event, struct err *err)
{
    struct draft draft = {.kind = KIND_TALK};
    text_add(&draft.content, text);
    return finish(pen, change, &draft, event, err);
}

const struct bytes32 *pen_root(const struct pen_change *change, const struct event *event)
{
    return change->replica != NULL ? &change->node.root : &event->id;
}

/* What somebody says in fields, which other clients see and rewrite. */
#include "client/command_own.h"
#include "client/command_pen.h"
#include "client/draft.h"
#include "shared/event.h"

/* Takes in what one other client wrote; what is none of the kind says nothing. */
static void take_in(struct own_self *self, struct arena *arena, const struct own_saying *saying,
                    const struct own_rewrite *rewrite)
{
    struct projection_fields base, theirs, changes;
    bool has_base = rewrite->base != NULL && saying->read(&base, arena, rewrite->base, NULL);
    if (!saying->read(&theirs, arena, rewrite->event, NULL))
        return;
    projection_compare_fields(&changes, arena, has_base ? &base : NULL, &theirs, &self->fields,
                              rewrite->event->created_at);
    for (size_t i = 0; i < changes.count; i++) {
        changes.at[i].written_at = rewrite->event->created_at;
        projection_put_field(&self->changes, arena, &changes.at[i]);
    }
    self->fields = projection_apply_fields(arena, &self->fields, &changes);
}

bool own_self(struct store *store, struct own_self *self, struct arena *arena,
              const struct bytes32 *who, const struct own_saying *saying, struct err *err)
{
    const struct own_projection projection = {.kind = saying->kind};
    *self = (struct own_self){0};
    if (!own_load(store, &self->own, arena, who, saying->type, err))
        return false;
    own_fields(&self->own, &self->fields, arena);
    if (!own_rewrites(store, &self->rewrites, arena, &self->own, &projection, err)) {
        own_clear(&self->own);
        return false;
    }
    for (size_t i = 0; i < self->rewrites.count; i++)
        take_in(self, arena, saying, &self->rewrites.at[i]);
    return true;
}

bool own_say(struct pen *pen, struct own_self *self, const struct own_saying *saying,
             struct draft *draft, struct event *shown, struct err *err)
{
    const struct own_rewrites *rewrites = &self->rewrites;
    struct event event;
    struct bytes32 *ids = arena_array(&pen->arena, struct bytes32, rewrites->count + 1);
    draft->created_at = pen_now();
    if (rewrites->newest != NULL && draft->created_at <= rewrites->newest->created_at)
        draft->created_at = rewrites->newest->created_at + 1;
    if (!pen_sign(pen, shown, draft, err) || !pen_put(pen, shown, err))
        return false;
    for (size_t i = 0; i < rewrites->count; i++)
        ids[i] = rewrites->at[i].event->id;
    ids[rewrites->count] = shown->id;
    const struct own_edit edit = {
        .type = saying->type, .fields = self->changes, .shown = {ids, rewrites->count + 1}};
    return own_write(pen, &self->own, &edit, &self->root, &event, err);
}

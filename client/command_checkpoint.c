/* shoal checkpoint, checkpoint sign: what a thing came to, signed, for others to compare. */
#include "client/command_checkpoint.h"

#include "client/blob.h"
#include "client/catalog.h"
#include "client/catalog_checkpoint.h"
#include "client/circle.h"
#include "client/command_pen.h"
#include "client/draft.h"
#include "client/pen_circle.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"

/* Where a checkpoint goes, which is where what it is of may go. */
struct place {
    bool is_private;              /* it stays here (NIP-70) */
    const struct bytes32 *circle; /* it is sealed for that; NULL: it is not */
};

static bool is_private(struct pen *pen, const struct bytes32 *root)
{
    struct event event;
    struct span json;
    return store_get(pen->store, &json, &pen->arena, root, NULL) && json.len > 0 &&
           event_parse(&event, &pen->arena, json, NULL) && event_is_protected(&event);
}

static bool find_place(struct pen *pen, struct place *place, const struct checkpoint *checkpoint,
                       struct err *err)
{
    struct circle *circle;
    *place = (struct place){.is_private = is_private(pen, &checkpoint->root)};
    if (!checkpoint->has_circle)
        return true;
    if (!pen_circle_load(pen, &circle, &checkpoint->circle, err))
        return false;
    place->circle = circle_creation(circle)->is_open ? NULL : &checkpoint->circle;
    circle_free(circle);
    return true;
}

static bool put(struct pen *pen, struct event *event, struct draft *draft,
                const struct place *place, struct err *err)
{
    bool stays = place->is_private && !pen->has_named_relays;
    if (place->is_private)
        draft_tag(draft, (struct span[]){SPAN("-")}, 1);
    if (!pen_sign(pen, event, draft, err))
        return false;
    if (place->circle != NULL)
        return pen_circle_put(pen, place->circle, event, err);
    return pen_put_at(pen, event, pen->relays, stays ? 0 : pen->relay_count, err);
}

static bool put_pieces(struct pen *pen, const struct checkpoint *checkpoint,
                       const struct place *place, struct err *err)
{
    for (size_t at = 0; at < checkpoint->size; at += BLOB_PIECE_BYTES) {
        struct draft draft = {.created_at = pen_now()};
        struct event event;
        blob_draft(&draft, &checkpoint->root, checkpoint->state, at);
        if (checkpoint->has_circle)
            draft_tag_id(&draft, SPAN("h"), &checkpoint->circle, SPAN(""));
        if (!put(pen, &event, &draft, place, err))
            return false;
    }
    return true;
}

static bool put_checkpoint(struct pen *pen, struct text *out, const struct checkpoint *checkpoint,
                           const struct place *place, struct err *err)
{
    struct draft draft = {.created_at = pen_now()};
    struct event event;
    checkpoint_draft(&draft, checkpoint);
    if (!put(pen, &event, &draft, place, err))
        return false;
    pen_report(pen, out, &checkpoint->root, &event.id);
    return true;
}

/* ---- shoal checkpoint ---- */

static bool make(struct pen *pen, struct text *out, struct err *err)
{
    struct checkpoint checkpoint;
    struct bytes32 root;
    struct place place;
    if (!home_resolve(pen->store, &root, pen->call->words[0], err) ||
        !catalog_checkpoint(pen->store, &checkpoint, &pen->arena, &root, err) ||
        !find_place(pen, &place, &checkpoint, err))
        return false;
    checkpoint_fit(&checkpoint,
                   place.circle != NULL ? CHECKPOINT_SEALED_BYTES_MAX : CHECKPOINT_STATE_BYTES_MAX);
    return put_pieces(pen, &checkpoint, &place, err) &&
           put_checkpoint(pen, out, &checkpoint, &place, err);
}

/* ---- shoal checkpoint sign ---- */

bool checkpoint_load(struct store *store, struct checkpoint *said, struct arena *arena,
                     const char *word, struct err *err)
{
    struct bytes32 id;
    struct event event;
    struct span json;
    if (!home_resolve(store, &id, word, err) || !store_get(store, &json, arena, &id, err))
        return false;
    if (json.len == 0)
        return err_set(err, ERR_INVALID, "it is not in the store");
    if (!event_parse(&event, arena, json, err))
        return false;
    return (event.kind == KIND_CHECKPOINT && checkpoint_parse(said, arena, &event, err)) ||
           err_set(err, ERR_INVALID, "it is no checkpoint");
}

/* Only what was computed here is signed. */
static bool sign(struct pen *pen, struct text *out, struct err *err)
{
    struct checkpoint said;
    struct place place;
    const char *why;
    bool is_open;
    if (!checkpoint_load(pen->store, &said, &pen->arena, pen->call->words[0], err) ||
        !checkpoint_judge(pen->store, &why, &is_open, &said, err))
        return false;
    if (why != NULL)
        return err_set(err, ERR_INVALID, "%s", why);
    return find_place(pen, &place, &said, err) && put_checkpoint(pen, out, &said, &place, err);
}

/* ---- the table ---- */

static const struct command_option options[] = {PEN_OPTIONS};

const struct command command_checkpoint = {
    .name = "checkpoint",
    .words = "ID|-",
    .help = "sign what a thing has come to, for others to compare",
    .words_min = 1,
    .words_max = 1,
    .options = options,
    .option_count = ARRAY_LEN(options),
    .write = make,
    .lines = COMMAND_LINES_EACH,
    .lines_max = 1};

const struct command command_checkpoint_sign = {
    .name = "checkpoint sign",
    .words = "CHECKPOINT|-",
    .help = "sign what another has signed, once it is computed again",
    .words_min = 1,
    .words_max = 1,
    .options = options,
    .option_count = ARRAY_LEN(options),
    .write = sign,
    .lines = COMMAND_LINES_EACH,
    .lines_max = 1};

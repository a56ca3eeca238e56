/* shoal checkpoint: what a thing came to, signed, for others to compare. */
#include "client/command_checkpoint.h"

#include "client/catalog.h"
#include "client/catalog_checkpoint.h"
#include "client/circle.h"
#include "client/command_pen.h"
#include "client/draft.h"
#include "client/pen_circle.h"
#include "client/replica.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/text.h"

enum { SHORT = 4, HEX_CHARS = 64 };

/* ---- shoal checkpoint ---- */

/* Whether everybody may see the state: it is of no circle, or of an open one. */
static bool find_seen(struct pen *pen, bool *is_seen, const struct checkpoint *checkpoint,
                      struct err *err)
{
    struct circle *circle;
    *is_seen = true;
    if (!checkpoint->has_circle)
        return true;
    if (!pen_circle_load(pen, &circle, &checkpoint->circle, err))
        return false;
    *is_seen = circle_creation(circle)->is_open;
    circle_free(circle);
    return true;
}

static bool is_private(struct pen *pen, const struct bytes32 *root)
{
    struct event event;
    struct span json;
    return store_get(pen->store, &json, &pen->arena, root, NULL) && json.len > 0 &&
           event_parse(&event, &pen->arena, json, NULL) && event_is_protected(&event);
}

static bool make(struct pen *pen, struct text *out, struct err *err)
{
    struct draft draft = {.created_at = pen_now()};
    struct checkpoint checkpoint;
    struct event event;
    struct bytes32 root;
    bool is_seen;
    if (!home_resolve(pen->store, &root, pen->call->words[0], err) ||
        !catalog_checkpoint(pen->store, &checkpoint, &pen->arena, &root, err) ||
        !find_seen(pen, &is_seen, &checkpoint, err))
        return false;
    /* The hash of what is sealed is not told either: short words are guessed by it. */
    bool stays = !is_seen || is_private(pen, &root);
    if (!is_seen || checkpoint.state.len > CHECKPOINT_STATE_BYTES_MAX)
        checkpoint.state.len = 0;
    checkpoint_draft(&draft, &checkpoint);
    if (stays)
        draft_tag(&draft, (struct span[]){SPAN("-")}, 1);
    size_t relays = stays && !pen->has_named_relays ? 0 : pen->relay_count;
    if (!pen_sign(pen, &event, &draft, err) || !pen_put_at(pen, &event, pen->relays, relays, err))
        return false;
    pen_report(pen, out, &root, &event.id);
    return true;
}

/* ---- shoal checkpoint verify ---- */

struct verifying {
    struct store *store;
    struct text *out;
    const struct command_call *call;
    struct checkpoint_tally tally;
    int64_t max; /* of checkpoints */
    struct err err;
    bool is_broken;
};

/* How far somebody's word goes: the thing is theirs, or the circle has them as an admin. */
static const char *trust_of(struct store *store, const struct bytes32 *author,
                            const struct bytes32 *root)
{
    struct replica *replica;
    struct circle_member member;
    const char *trust = "other";
    if (!catalog_load(store, &replica, root, UINT64_MAX, NULL))
        return trust;
    struct circle *circle = replica_circle(replica);
    if (circle != NULL && circle_member(circle, &member, author) && member.role == ACT_ADMIN)
        trust = "admin";
    else if (replica_author(replica) != NULL &&
             memcmp(replica_author(replica), author, sizeof *author) == 0)
        trust = "author";
    replica_free(replica);
    return trust;
}

/* Computed anew from the events that it names. */
static bool compare(struct verifying *verifying, const struct checkpoint *said, const char **why,
                    struct err *err)
{
    struct arena arena = {0};
    struct checkpoint found = *said;
    struct catalog_covered covered;
    bool ok = catalog_cover(verifying->store, &found, &covered, &arena, err);
    arena_clear(&arena);
    if (!ok)
        return false;
    verifying->tally.open += covered.missing > 0 || covered.redacted > 0;
    if (covered.missing > 0)
        *why = "events that it names are not here: fetch them";
    else if (covered.redacted > 0)
        *why = "events that it covers were taken back since";
    else if (!covered.is_all)
        *why = "it covers events that do not count";
    else
        *why = checkpoint_compare(said, &found);
    verifying->tally.wrong += *why != NULL && covered.missing == 0 && covered.redacted == 0;
    verifying->tally.right += *why == NULL;
    return true;
}

static void report(const struct verifying *verifying, const struct catalog_event *event,
                   const struct checkpoint *said, const char *why)
{
    struct text *out = verifying->out;
    const char *trust = trust_of(verifying->store, &event->author, &said->root);
    if (verifying->call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "id", &event->id);
        text_add(out, SPAN(","));
        home_write_hex(out, "entity", &said->root);
        text_add(out, SPAN(","));
        home_write_hex(out, "author", &event->author);
        text_addf(out, ",\"by\":\"%s\",\"created_at\":%lld,\"events\":%llu,\"equal\":%s", trust,
                  (long long)event->created_at, (unsigned long long)said->count,
                  why == NULL ? "true" : "false");
        if (why != NULL) {
            text_add(out, SPAN(",\"why\":"));
            text_add_json(out, command_span(why));
        }
        text_add(out, SPAN("}\n"));
        return;
    }
    text_add_hex(out, event->id.at, SHORT);
    text_add(out, SPAN("  of "));
    text_add_hex(out, said->root.at, SHORT);
    text_add(out, SPAN("  "));
    home_write_time(out, event->created_at);
    text_addf(out, "  by %-7s", trust);
    text_add_hex(out, event->author.at, SHORT);
    text_addf(out, "  %s\n", why == NULL ? "equal" : why);
}

static bool on_stored(void *owner, const struct catalog_event *stored)
{
    struct verifying *verifying = owner;
    struct arena arena = {0};
    struct event event;
    struct checkpoint said;
    const char *why;
    bool reads = event_parse(&event, &arena, stored->json, NULL) &&
                 checkpoint_parse(&said, &arena, &event, NULL);
    if (reads && compare(verifying, &said, &why, &verifying->err)) {
        if (verifying->out != NULL)
            report(verifying, stored, &said, why);
    } else if (reads) {
        verifying->is_broken = true;
    }
    arena_clear(&arena);
    return !verifying->is_broken;
}

/* All that are here, those of an entity, or one. */
static bool verify_all(struct verifying *verifying, const struct bytes32 *id, struct err *err)
{
    static const uint16_t kind = KIND_CHECKPOINT;
    char hex[HEX_CHARS];
    struct filter filter = {.until = INT64_MAX, .limit = verifying->max, .kinds = {1, &kind}};
    const struct span value = SPAN_OF(hex);
    const struct filter_tag tag = {.letter = 'e', .count = 1, .values = &value};
    if (id != NULL) {
        hex_encode(hex, id->at, sizeof id->at);
        filter.ids = (struct filter_keys){1, id};
    }
    bool ok = catalog_each(verifying->store, &filter, on_stored, verifying, err);
    if (ok && id != NULL) { /* it may name an entity as well */
        filter.ids = (struct filter_keys){0};
        filter.tag_count = 1;
        filter.tags = &tag;
        ok = catalog_each(verifying->store, &filter, on_stored, verifying, err);
    }
    if (ok && verifying->is_broken)
        *err = verifying->err;
    return ok && !verifying->is_broken;
}

bool checkpoint_tally(struct store *store, struct checkpoint_tally *tally, int64_t max,
                      struct err *err)
{
    struct verifying verifying = {.store = store, .max = max};
    bool ok = verify_all(&verifying, NULL, err);
    *tally = verifying.tally;
    return ok;
}

static bool verify_named(struct store *store, struct text *out, const struct command_call *call,
                         struct checkpoint_tally *tally, struct err *err)
{
    struct verifying verifying = {.store = store, .out = out, .call = call, .max = FILTER_NO_LIMIT};
    struct bytes32 id;
    bool is_one = call->word_count > 0;
    bool ok = (!is_one || home_resolve(store, &id, call->words[0], err)) &&
              verify_all(&verifying, is_one ? &id : NULL, err);
    *tally = verifying.tally;
    if (ok && is_one && tally->right + tally->wrong + tally->open == 0)
        ok = err_set(err, ERR_INVALID, "no checkpoint of it is here");
    return ok;
}

static bool verify(struct store *store, struct text *out, const struct command_call *call,
                   struct err *err)
{
    struct checkpoint_tally tally;
    return verify_named(store, out, call, &tally, err);
}

/* Status 1 where one is wrong, or none could be compared, after all of them were printed. */
static enum command_status run_verify(struct command_call *call)
{
    struct checkpoint_tally tally;
    struct text out = {0};
    struct err err;
    enum command_status status;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    bool ok = verify_named(store, &out, call, &tally, &err);
    store_close(store);
    status = ok ? command_print(call, &out) : command_fail(call, &err);
    text_clear(&out);
    bool is_right = tally.wrong == 0 && (tally.open == 0 || tally.right > 0);
    return status == COMMAND_DONE && !is_right ? COMMAND_FAILED : status;
}

/* ---- the table ---- */

static const struct command_option options_make[] = {PEN_OPTIONS};

const struct command command_checkpoint = {
    .name = "checkpoint",
    .words = "ID",
    .help = "sign what a thing has come to, for others to compare",
    .words_min = 1,
    .words_max = 1,
    .options = options_make,
    .option_count = ARRAY_LEN(options_make),
    .write = make};

static const struct command_option options_verify[] = {HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_checkpoint_verify = {
    .name = "checkpoint verify",
    .words = "[ID]",
    .help = "compute again what checkpoints say: one, of a thing, or all",
    .words_max = 1,
    .options = options_verify,
    .option_count = ARRAY_LEN(options_verify),
    .run = run_verify,
    .look = verify};

/* shoal checkpoint verify, checkpoint show: what others say that things came to. */
#include "client/catalog.h"
#include "client/catalog_checkpoint.h"
#include "client/circle.h"
#include "client/command_checkpoint.h"
#include "client/command_home.h"
#include "client/replica.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/text.h"

enum { SHORT = 4, HEX_CHARS = 64, SIGNERS_MAX = 1000 };

struct verifying {
    struct store *store;
    struct text *out;
    const struct command_call *call;
    struct checkpoint_tally tally;
    int64_t max;    /* of checkpoints */
    int64_t needed; /* signers, of those that are trusted */
    size_t signers; /* of the one that is looked at */
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
bool checkpoint_judge(struct store *store, const char **why, bool *is_open,
                      const struct checkpoint *said, struct err *err)
{
    struct arena arena = {0};
    struct checkpoint found = *said;
    struct catalog_covered covered;
    bool ok = catalog_cover(store, &found, &covered, &arena, err);
    arena_clear(&arena);
    if (!ok)
        return false;
    *is_open = covered.missing > 0 || covered.redacted > 0;
    if (covered.missing > 0)
        *why = "events that it names are not here: fetch them";
    else if (covered.redacted > 0)
        *why = "events that it covers were taken back since";
    else if (!covered.is_all)
        *why = "it covers events that do not count";
    else
        *why = checkpoint_compare(said, &found);
    return true;
}

/* ---- who says the same ---- */

struct signers {
    struct store *store;
    const struct checkpoint *said;
    struct bytes32 at[SIGNERS_MAX];
    size_t count;
};

static bool add_signer(void *owner, const struct catalog_event *found)
{
    struct signers *signers = owner;
    struct arena arena = {0};
    struct event event;
    struct checkpoint other;
    bool agrees = event_parse(&event, &arena, found->json, NULL) &&
                  checkpoint_parse(&other, &arena, &event, NULL) &&
                  checkpoint_agrees(&other, signers->said) &&
                  trust_of(signers->store, &found->author, &other.root)[0] == 'a';
    arena_clear(&arena);
    for (size_t i = 0; agrees && i < signers->count; i++)
        agrees = memcmp(&signers->at[i], &found->author, sizeof found->author) != 0;
    if (agrees)
        signers->at[signers->count++] = found->author;
    return signers->count < SIGNERS_MAX;
}

/* Of its author and the admins, how many say the same of it. */
static bool count_signers(struct store *store, size_t *count, const struct checkpoint *said,
                          struct err *err)
{
    static const uint16_t kind = KIND_CHECKPOINT;
    char hex[HEX_CHARS];
    const struct span value = SPAN_OF(hex);
    const struct filter_tag tag = {.letter = 'e', .count = 1, .values = &value};
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .kinds = {1, &kind},
                                  .tag_count = 1,
                                  .tags = &tag};
    struct signers signers = {.store = store, .said = said};
    hex_encode(hex, said->root.at, sizeof said->root.at);
    bool ok = catalog_each(store, &filter, add_signer, &signers, err);
    *count = signers.count;
    return ok;
}

/* ---- shoal checkpoint verify ---- */

static bool compare(struct verifying *verifying, const struct checkpoint *said, const char **why,
                    struct err *err)
{
    bool is_open;
    if (!checkpoint_judge(verifying->store, why, &is_open, said, err) ||
        (verifying->out != NULL &&
         !count_signers(verifying->store, &verifying->signers, said, err)))
        return false;
    if (*why == NULL && verifying->out != NULL && (int64_t)verifying->signers < verifying->needed)
        *why = "too few of those who are trusted have signed it";
    verifying->tally.open += is_open;
    verifying->tally.wrong += *why != NULL && !is_open;
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
        text_addf(out,
                  ",\"by\":\"%s\",\"created_at\":%lld,\"events\":%llu,\"signers\":%zu,\"equal\":%s",
                  trust, (long long)event->created_at, (unsigned long long)said->count,
                  verifying->signers, why == NULL ? "true" : "false");
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
    text_addf(out, "  %zu signed", verifying->signers);
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
    bool ok = command_read_number(call, "signers", 0, SIGNERS_MAX, &verifying.needed, err) &&
              (!is_one || home_resolve(store, &id, call->words[0], err)) &&
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

/* ---- shoal checkpoint show ---- */

static bool show(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err)
{
    struct arena arena = {0};
    struct checkpoint said;
    struct span state;
    bool ok = checkpoint_load(store, &said, &arena, call->words[0], err) &&
              catalog_said_state(store, &state, &arena, &said, err);
    if (ok && state.len == 0)
        ok = err_set(err, ERR_INVALID, "its state is not here, or was not sent");
    if (ok) {
        text_add(out, state);
        text_add(out, SPAN("\n"));
    }
    arena_clear(&arena);
    return ok;
}

/* ---- the table ---- */

static const struct command_option options_verify[] = {
    {"signers", "COUNT", "right only where so many of its author and the admins say so [0]"},
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_checkpoint_verify = {
    .name = "checkpoint verify",
    .words = "[ID]",
    .help = "compute again what checkpoints say: one, of a thing, or all",
    .words_max = 1,
    .options = options_verify,
    .option_count = ARRAY_LEN(options_verify),
    .run = run_verify,
    .look = verify};

static const struct command_option options_show[] = {HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_checkpoint_show = {
    .name = "checkpoint show",
    .words = "CHECKPOINT|-",
    .help = "print the state that a checkpoint says, also where its events are not here",
    .words_min = 1,
    .words_max = 1,
    .options = options_show,
    .option_count = ARRAY_LEN(options_show),
    .look = show,
    .lines = COMMAND_LINES_EACH,
    .lines_max = 1};

/* shoal follow: whom one follows. */
#include <stdio.h>

#include "client/command_pen.h"
#include "client/command_people.h"
#include "client/command_share.h"
#include "client/draft.h"
#include "client/person.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"

/* The people that the words name. */
static bool read_words(struct pen *pen, struct projection_people *people, struct err *err)
{
    const struct command_call *call = pen->call;
    *people = (struct projection_people){
        .at = arena_array(&pen->arena, struct bytes32, call->word_count + 1)};
    for (size_t i = 0; i < call->word_count; i++)
        if (!person_parse(&people->at[people->count++], command_span(call->words[i]), err))
            return false;
    projection_sort(people);
    return true;
}

/* What other clients see from now on. */
static bool project(struct pen *pen, struct event *event, const struct people_follows *follows,
                    const struct projection_people *people, struct err *err)
{
    struct draft draft = {.created_at = pen_now()};
    const struct event *theirs = follows->rewrites.newest;
    if (theirs != NULL && draft.created_at <= theirs->created_at)
        draft.created_at = theirs->created_at + 1;
    if (follows->name.len > 0)
        projection_draft_set(&draft, follows->name, people, theirs);
    else
        projection_draft_people(&draft, people, theirs);
    return pen_sign(pen, event, &draft, err) && pen_put(pen, event, err);
}

static void report(const struct pen *pen, struct text *out, const struct bytes32 *root,
                   const struct own_edit *edit, size_t count)
{
    bool is_trial = command_value(pen->call, "dry-run") != NULL;
    if (pen->call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "id", root);
        text_addf(out, ",\"following\":%zu,\"added\":%zu,\"removed\":%zu,\"queued\":%zu%s}\n",
                  count, edit->add.count, edit->remove.count, pen->queued,
                  is_trial ? ",\"dry_run\":true" : "");
    } else {
        text_addf(out, "following %zu: %zu added, %zu removed\n", count, edit->add.count,
                  edit->remove.count);
    }
}

/* Writes what becomes of the list once people is all that is followed. */
static bool write_list(struct pen *pen, struct text *out, const struct people_follows *follows,
                       const struct projection_people *people, struct err *err)
{
    struct event shown, event;
    struct bytes32 root,
        *ids = arena_array(&pen->arena, struct bytes32, follows->rewrites.count + 1);
    struct own_edit edit = {.type = SPAN("follows"),
                            .set = follows->key,
                            .add = people_less(&pen->arena, people, &follows->ours),
                            .remove = people_less(&pen->arena, &follows->ours, people),
                            .shown = {ids, follows->rewrites.count + 1}};
    if (!project(pen, &shown, follows, people, err))
        return false;
    for (size_t i = 0; i < follows->rewrites.count; i++)
        ids[i] = follows->rewrites.at[i].event->id;
    ids[follows->rewrites.count] = shown.id;
    if (!own_write(pen, &follows->own, &edit, &root, &event, err))
        return false;
    report(pen, out, &root, &edit, people->count);
    return true;
}

/* Says what another client did that is not believed. */
static void warn(const struct pen *pen, const struct people_follows *follows)
{
    if (follows->kept > 0)
        fprintf(stderr,
                "shoal %s: another client dropped %zu of those %s: they stay;"
                " --shrink drops them here, too\n",
                pen->call->command->name, follows->kept,
                follows->name.len > 0 ? "in the set" : "you follow");
}

/* adds: the words are followed; else they are not any more. */
static bool change(struct pen *pen, struct text *out, bool adds, struct err *err)
{
    struct people_follows follows;
    struct projection_people words, people;
    const struct people_set set = {.who = pen_me(pen),
                                   .name = command_value(pen->call, "set"),
                                   .keeps = command_value(pen->call, "shrink") == NULL};
    if (!read_words(pen, &words, err) || !people_set(pen->store, &follows, &pen->arena, &set, err))
        return false;
    if (set.keeps)
        warn(pen, &follows);
    people = adds ? people_join(&pen->arena, &follows.all, &words)
                  : people_less(&pen->arena, &follows.all, &words);
    bool ok = write_list(pen, out, &follows, &people, err) &&
              (set.name != NULL || share_friends(pen, err));
    people_clear(&follows);
    return ok;
}

static bool add(struct pen *pen, struct text *out, struct err *err)
{
    return change(pen, out, true, err);
}

static bool rm(struct pen *pen, struct text *out, struct err *err)
{
    return change(pen, out, false, err);
}

/* ---- looking ---- */

static bool list(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err)
{
    struct arena arena = {0};
    struct people_follows follows;
    struct projection_people friends;
    struct bytes32 me;
    const struct people_set set = {.who = &me, .name = command_value(call, "set"), .keeps = true};
    bool ok = call->word_count > 0 ? person_parse(&me, command_span(call->words[0]), err)
                                   : people_me(store, &me, call, err);
    if (!ok || !people_friends(store, &friends, &arena, &me, err) ||
        !people_set(store, &follows, &arena, &set, err)) {
        arena_clear(&arena);
        return false;
    }
    for (size_t i = 0; i < follows.all.count; i++) {
        const struct bytes32 *who = &follows.all.at[i];
        people_write_friend(out, store, call, who, projection_has(&friends, who));
    }
    people_clear(&follows);
    arena_clear(&arena);
    return ok;
}

static const struct command_option options_write[] = {
    PEOPLE_OPTION_SET,
    {"shrink", NULL, "believe another client that dropped more than half of the list"},
    PEN_OPTIONS};

const struct command command_follow_add = {
    .name = "follow add",
    .words = "[WHO... | -]",
    .help = "follow people; and take over what other clients changed",
    .words_max = COMMAND_WORDS_MAX,
    .options = options_write,
    .option_count = ARRAY_LEN(options_write),
    .write = add,
    .lines = COMMAND_LINES_ALL};

const struct command command_follow_rm = {.name = "follow rm",
                                          .words = "WHO... | -",
                                          .help = "follow them no more",
                                          .words_min = 1,
                                          .words_max = COMMAND_WORDS_MAX,
                                          .options = options_write,
                                          .option_count = ARRAY_LEN(options_write),
                                          .write = rm,
                                          .lines = COMMAND_LINES_ALL};

static const struct command_option options_look[] = {PEOPLE_OPTION_SET, PEOPLE_OPTION_AS,
                                                     HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_follow_list = {.name = "follow list",
                                            .words = "[WHO]",
                                            .help = "whom you, or others, follow",
                                            .words_max = 1,
                                            .options = options_look,
                                            .option_count = ARRAY_LEN(options_look),
                                            .look = list};

/* shoal friend: who is whose friend, asked, answered and ended where nobody else sees it. */
#include <stdio.h>

#include "client/bond.h"
#include "client/command_letter.h"
#include "client/command_pen.h"
#include "client/command_people.h"
#include "client/command_share.h"
#include "client/hlc.h"
#include "client/inbox.h"
#include "client/person.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

/* One person that a command is about, and how things stand. */
struct friend
{
    struct pen *pen;
    struct bytes32 who;
    struct bonds bonds;
    const struct bond *bond; /* NULL: nothing was ever asked */
};

static bool find(struct friend *friend, struct pen *pen, struct err *err)
{
    struct inbox_counts counts;
    *friend = (struct friend){.pen = pen};
    if (!person_parse(&friend->who, command_span(pen->call->words[0]), err) ||
        !inbox_open(pen->store, &counts, pen->holder, err) ||
        !bond_list(pen->store, &friend->bonds, &pen->arena, pen_me(pen), err))
        return false;
    if (memcmp(&friend->who, pen_me(pen), sizeof friend->who) == 0)
        return err_set(err, ERR_INVALID, "that is you");
    friend->bond = bond_find(&friend->bonds, &friend->who);
    return true;
}

/* Tells it to the other, where he is to know, and to one's own devices. */
static bool tell(struct friend *friend, const struct op *op, bool is_told, struct event *rumor,
                 struct err *err)
{
    struct pen *pen = friend->pen;
    struct inbox_counts counts;
    uint64_t hlc;
    size_t queued = 0;
    if (!hlc_next(&hlc, friend->bonds.hlc, pen->now_ms, err))
        return false;
    bond_rumor(rumor, &pen->arena, pen_me(pen), &friend->who, op, hlc);
    if (is_told && !letter_send(pen, rumor, &friend->who, err))
        return false;
    queued = is_told ? pen->queued : 0;
    if (!letter_send(pen, rumor, pen_me(pen), err) ||
        !inbox_open(pen->store, &counts, pen->holder, err) || !share_friends(pen, err))
        return false;
    pen->queued += queued;
    return true;
}

/* The person, and whether he is a friend now. */
static bool report(struct friend *friend, struct text *out, const struct event *rumor,
                   struct err *err)
{
    struct pen *pen = friend->pen;
    struct projection_people friends;
    if (!people_friends(pen->store, &friends, &pen->arena, pen_me(pen), err))
        return false;
    bool is_friend = projection_has(&friends, &friend->who);
    if (!pen->call->is_json) {
        people_write_friend(out, pen->store, pen->call, &friend->who, is_friend);
        return true;
    }
    text_add(out, SPAN("{"));
    home_write_hex(out, "pubkey", &friend->who);
    text_add(out, SPAN(","));
    home_write_hex(out, "id", &rumor->id);
    text_addf(out, ",\"friend\":%s,\"queued\":%zu%s}\n", is_friend ? "true" : "false", pen->queued,
              command_value(pen->call, "dry-run") != NULL ? ",\"dry_run\":true" : "");
    return true;
}

static bool add(struct friend *friend, struct text *out, struct err *err)
{
    struct event rumor;
    const struct op op = bond_add(&friend->pen->arena, &friend->who);
    return tell(friend, &op, true, &rumor, err) && report(friend, out, &rumor, err);
}

static bool ask(struct pen *pen, struct text *out, struct err *err)
{
    struct friend friend;
    return find(&friend, pen, err) && add(&friend, out, err);
}

static bool answer(struct pen *pen, struct text *out, struct err *err)
{
    struct friend friend;
    if (!find(&friend, pen, err))
        return false;
    if (friend.bond == NULL || friend.bond->their_count == 0)
        return err_set(err, ERR_INVALID, "nobody of that key asked: shoal dm fetch, and try again");
    return add(&friend, out, err);
}

/* Ends what was asked or answered; what another asked is declined, and he is not told. */
static bool end(struct pen *pen, struct text *out, struct err *err)
{
    struct friend friend;
    struct event rumor;
    if (!find(&friend, pen, err))
        return false;
    const struct bond *bond = friend.bond;
    bool is_ours = bond != NULL && bond->our_count > 0;
    if (!is_ours && (bond == NULL || !bond_is_asking(bond)))
        return err_set(err, ERR_INVALID,
                       "neither of you asked: who only follow each other, shoal follow rm parts");
    const struct op op =
        is_ours ? bond_end(bond->ours, bond->our_count) : bond_end(bond->theirs, bond->their_count);
    return tell(&friend, &op, is_ours, &rumor, err) && report(&friend, out, &rumor, err);
}

/* ---- looking ---- */

static void write_request(struct text *out, struct store *store, const struct command_call *call,
                          const struct bond *bond)
{
    bool is_asking = bond_is_asking(bond);
    if (call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "pubkey", &bond->who);
        text_add(out, SPAN(",\"name\":"));
        people_write_json_name(out, store, &bond->who);
        text_addf(out, ",\"friend\":false,\"asked_by\":\"%s\"}\n", is_asking ? "them" : "you");
        return;
    }
    text_add_hex(out, bond->who.at, sizeof bond->who.at);
    text_add(out, is_asking ? SPAN("  asks you   ") : SPAN("  you asked  "));
    people_write_name(out, store, &bond->who);
    text_add(out, SPAN("\n"));
}

static bool list_requests(struct store *store, struct text *out, const struct command_call *call,
                          struct arena *arena, struct err *err)
{
    struct bytes32 me;
    struct bonds bonds;
    struct projection_people friends;
    if (!people_me(store, &me, call, err) || !bond_list(store, &bonds, arena, &me, err) ||
        !people_friends(store, &friends, arena, &me, err))
        return false;
    for (size_t i = 0; i < bonds.count; i++) {
        const struct bond *bond = &bonds.at[i];
        bool is_open = bond_is_asking(bond) || (bond->our_count > 0 && bond->their_count == 0);
        if (is_open && !projection_has(&friends, &bond->who))
            write_request(out, store, call, bond);
    }
    return true;
}

static bool list_friends(struct store *store, struct text *out, const struct command_call *call,
                         struct arena *arena, struct err *err)
{
    struct bytes32 me;
    struct projection_people friends;
    bool ok = call->word_count > 0 ? person_parse(&me, command_span(call->words[0]), err)
                                   : people_me(store, &me, call, err);
    if (!ok || !people_friends(store, &friends, arena, &me, err))
        return false;
    for (size_t i = 0; i < friends.count; i++)
        people_write_friend(out, store, call, &friends.at[i], true);
    return true;
}

static bool list(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err)
{
    struct arena arena = {0};
    bool ok = command_value(call, "requests") != NULL ? list_requests(store, out, call, &arena, err)
                                                      : list_friends(store, out, call, &arena, err);
    arena_clear(&arena);
    return ok;
}

/* ---- the table ---- */

static void describe(struct text *out)
{
    text_add(out, SPAN("Two are friends who asked and answered, or who follow each other. What is "
                       "asked and answered\nhere leaves in gift wraps: nobody but the two can tell "
                       "that they are friends, until one shares\nwhat is for friends, which names "
                       "its readers. It comes with shoal dm fetch, and goes to where\nthe other's "
                       "list of relays says (shoal dm relays), or to --relay.\n"));
}

static const struct command_option options_write[] = {PEN_OPTIONS};

const struct command command_friend_req = {.name = "friend req",
                                           .words = "WHO... | -",
                                           .help = "ask somebody to be your friend, unseen",
                                           .words_min = 1,
                                           .words_max = COMMAND_WORDS_MAX,
                                           .options = options_write,
                                           .option_count = ARRAY_LEN(options_write),
                                           .write = ask,
                                           .more = describe,
                                           .lines = COMMAND_LINES_WORD};

const struct command command_friend_accept = {.name = "friend accept",
                                              .words = "WHO... | -",
                                              .help = "be the friend of somebody who asked",
                                              .words_min = 1,
                                              .words_max = COMMAND_WORDS_MAX,
                                              .options = options_write,
                                              .option_count = ARRAY_LEN(options_write),
                                              .write = answer,
                                              .more = describe,
                                              .lines = COMMAND_LINES_WORD};

const struct command command_friend_rm = {
    .name = "friend rm",
    .words = "WHO... | -",
    .help = "take back what you asked or answered, or decline what was asked",
    .words_min = 1,
    .words_max = COMMAND_WORDS_MAX,
    .options = options_write,
    .option_count = ARRAY_LEN(options_write),
    .write = end,
    .more = describe,
    .lines = COMMAND_LINES_WORD};

static const struct command_option options_look[] = {
    {"requests", NULL, "who asked, and is not answered"},
    PEOPLE_OPTION_AS,
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_friend_list = {.name = "friend list",
                                            .words = "[WHO]",
                                            .help = "your friends, as far as the store knows",
                                            .words_max = 1,
                                            .options = options_look,
                                            .option_count = ARRAY_LEN(options_look),
                                            .look = list,
                                            .more = describe};

/* shoal circle list and show: who is in which circle, and as what. */
#include "client/act.h"
#include "client/catalog_circle.h"
#include "client/catalog_past.h"
#include "client/circle.h"
#include "client/command_circle.h"
#include "client/command_home.h"
#include "client/entity.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { NAME_SHOWN_MAX = 60 };

/* So many admins of that rank together remove another of it. */
struct policy {
    uint32_t rank, admins;
};

static struct policy *policies_of(struct circle *circle, struct arena *arena, size_t *count)
{
    size_t member_count;
    const struct circle_member *members = circle_members(circle, arena, &member_count);
    struct policy *policies = arena_array(arena, struct policy, member_count);
    *count = 0;
    for (size_t i = 0; i < member_count; i++) {
        uint32_t rank = members[i].rank;
        bool is_seen = i > 0 && members[i - 1].rank == rank;
        uint32_t admins = is_seen ? 0 : circle_quorum(circle, rank);
        if (admins > 0)
            policies[(*count)++] = (struct policy){rank, admins};
    }
    return policies;
}

static void write_policies(struct text *out, struct circle *circle)
{
    struct arena arena = {0};
    size_t count;
    const struct policy *policies = policies_of(circle, &arena, &count);
    text_add(out, SPAN("\"policy\":["));
    for (size_t i = 0; i < count; i++)
        text_addf(out, "%s{\"rank\":%u,\"admins\":%u}", i > 0 ? "," : "", policies[i].rank,
                  policies[i].admins);
    text_add(out, SPAN("],"));
    arena_clear(&arena);
}

static void write_json(struct text *out, const struct bytes32 *root, struct circle *circle)
{
    struct text state = {0};
    catalog_write_circle(&state, circle);
    text_add(&state, SPAN("\n")); /* as that of an entity without a text */
    struct bytes32 hash = sig_sha256(text_span(&state));
    text_add(out, SPAN("{"));
    home_write_hex(out, "id", root);
    text_add(out, SPAN(","));
    home_write_hex(out, "hash", &hash);
    text_addf(out, ",\"waiting\":%zu,", entity_waiting_count(circle_entity(circle)));
    write_policies(out, circle);
    text_add(out, (struct span){state.at + 1, state.len - 1});
    text_clear(&state);
}

static void write_members(struct text *out, struct circle *circle)
{
    struct arena arena = {0};
    size_t count;
    const struct circle_member *members = circle_members(circle, &arena, &count);
    for (size_t i = 0; i < count; i++) {
        text_addf(out, "  %-10s%4u  ", act_role_name(members[i].role), members[i].rank);
        text_add_hex(out, members[i].key.at, sizeof members[i].key.at);
        if (members[i].until != 0) {
            bool is_over = (uint64_t)members[i].until < home_now() / 1000;
            text_add(out, is_over ? SPAN("  ended ") : SPAN("  until "));
            home_write_time(out, members[i].until);
        }
        text_add(out, members[i].is_limited ? SPAN("  more in some things\n") : SPAN("\n"));
    }
    const struct policy *policies = policies_of(circle, &arena, &count);
    for (size_t i = 0; i < count; i++)
        text_addf(out, "  %u admins of rank %u together remove another of it\n", policies[i].admins,
                  policies[i].rank);
    arena_clear(&arena);
}

/* One circle, with its members where it is looked at alone. */
static bool write_one(struct text *out, const struct command_call *call, struct store *store,
                      const struct bytes32 *root, struct err *err)
{
    struct circle *circle;
    uint64_t cut;
    if (!home_cut(store, &cut, call, "at", err) ||
        !catalog_circle_at(store, &circle, root, cut, err))
        return false;
    const struct act *creation = circle_creation(circle);
    bool ok = creation != NULL || err_set(err, ERR_INVALID, "it is no circle that is here%s",
                                          cut != UINT64_MAX ? ", or was none at that time" : "");
    if (ok && call->is_json) {
        write_json(out, root, circle);
    } else if (ok) {
        text_add_hex(out, root->at, call->word_count > 0 ? sizeof root->at : 4);
        text_add(out, creation->is_open     ? SPAN("  open    ")
                      : creation->is_secret ? SPAN("  secret  ")
                                            : SPAN("  sealed  "));
        home_write_words(out, creation->name, NAME_SHOWN_MAX);
        text_add(out, SPAN("\n"));
        if (call->word_count > 0)
            write_members(out, circle);
    }
    circle_free(circle);
    return ok;
}

static bool write_all(struct text *out, const struct command_call *call, struct store *store,
                      struct err *err)
{
    struct arena arena = {0};
    struct bytes32 *roots;
    size_t count;
    bool ok = catalog_circles(store, &roots, &count, &arena, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = write_one(out, call, store, &roots[i], err);
    arena_clear(&arena);
    return ok;
}

static bool look(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err)
{
    struct bytes32 root;
    return call->word_count == 0 ? write_all(out, call, store, err)
                                 : command_circle_find(store, &root, call->words[0], err) &&
                                       write_one(out, call, store, &root, err);
}

static const struct command_option options_look[] = {HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_circle_list = {.name = "circle list",
                                            .help = "list the circles that are here",
                                            .options = options_look,
                                            .option_count = ARRAY_LEN(options_look),
                                            .look = look};

static const struct command_option options_show[] = {HOME_OPTION_AT, HOME_OPTION,
                                                     COMMAND_OPTION_JSON};

const struct command command_circle_show = {.name = "circle show",
                                            .words = "CIRCLE|-",
                                            .help = "say who is in a circle, and as what",
                                            .words_min = 1,
                                            .words_max = 1,
                                            .options = options_show,
                                            .option_count = ARRAY_LEN(options_show),
                                            .look = look,
                                            .lines = COMMAND_LINES_EACH,
                                            .lines_max = 1};

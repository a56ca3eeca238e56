/* command_people.h - who is meant, what they are called, and whom they follow. Part of command.
 *
 *   ownership  results live in the arena
 */
#pragma once

#include "client/command_own.h"
#include "client/projection.h"
#include "shared/base.h"

struct arena;
struct command_call;
struct err;
struct event;
struct store;
struct text;

#define PEOPLE_OPTION_AS                                                    \
    {                                                                       \
        "as", "WHO", "look with these eyes [whoever writes on this device]" \
    }

/* Whoever --as names, or else the only one who wrote on this device. */
MUST_CHECK bool people_me(struct store *store, struct bytes32 *me, const struct command_call *call,
                          struct err *err);

/* The newest event of a kind by somebody, as relays would give it; NULL when there is none. */
MUST_CHECK bool people_newest(struct store *store, const struct event **event, struct arena *arena,
                              const struct bytes32 *author, uint16_t kind, struct err *err);

#define PEOPLE_OPTION_SET                                                      \
    {                                                                          \
        "set", "NAME", "the people in this set: a list by itself, also public" \
    }

/* Whom somebody follows, by their own state, and by what other clients made of it since. */
struct people_follows {
    struct own own;
    struct projection_people ours;
    struct own_rewrites rewrites;
    struct projection_people all; /* ours, with what was changed */
    size_t kept;                  /* who vanished with more than half of a list, and stays */
    struct span name, key;        /* of the set that is meant; of the people in the state */
};

/* To be given to people_clear. keeps: nobody goes where more than half went at once. */
MUST_CHECK bool people_follows(struct store *store, struct people_follows *follows,
                               struct arena *arena, const struct bytes32 *who, bool keeps,
                               struct err *err);
void people_clear(struct people_follows *follows);

/* The same of those in a set: some people of whom somebody made a list under a name (NIP-51). */
struct people_set {
    const struct bytes32 *who;
    const char *name; /* NULL: all whom they follow */
    bool keeps;
};
MUST_CHECK bool people_set(struct store *store, struct people_follows *follows, struct arena *arena,
                           const struct people_set *set, struct err *err);

/* Those whom somebody follows and who follow back, or who asked and were answered, as far as the
 * store knows. */
MUST_CHECK bool people_friends(struct store *store, struct projection_people *friends,
                               struct arena *arena, const struct bytes32 *who, struct err *err);

/* The name that somebody's profile gives, or how the key begins; fit for a terminal. */
void people_write_name(struct text *out, struct store *store, const struct bytes32 *who);

/* The same as a JSON string, or null. */
void people_write_json_name(struct text *out, struct store *store, const struct bytes32 *who);

/* A line of a list of people, as text or JSON. */
void people_write_friend(struct text *out, struct store *store, const struct command_call *call,
                         const struct bytes32 *who, bool is_friend);

/* A people's joint or difference. */
struct projection_people people_join(struct arena *arena, const struct projection_people *a,
                                     const struct projection_people *b);
struct projection_people people_less(struct arena *arena, const struct projection_people *a,
                                     const struct projection_people *b);

/* verdicts.h - an oracle of circles: a history in arrays, and what follows from it by the letter of
 * the rules, with neither care for time nor anything in common with the client's own way.
 *
 *   threads  one
 */
#pragma once

#include "client/act.h"
#include "client/entity.h"

enum { VERDICTS_EVENTS_MAX = 64, VERDICTS_KEYS = 7, VERDICTS_LINKS_MAX = 16 };

/* One event; others by their places, which are all before its own. */
struct verdicts_event {
    bool is_op; /* on an entity; else a change of the circle */
    int entity;
    enum act_type type;
    enum act_role role;
    int author, who; /* keys by number */
    int voided;      /* the op that an ACT_VOID voids */
    int time;        /* not before those that it comes after */
    int until;       /* of an ACT_GRANT: the last time that it is good for; 0: for ever */
    int only;        /* of an ACT_GRANT: one more than the entity that it is of; 0: of all */
    bool is_void;    /* of an ACT_GRANT: of a kind of event that there is none of */
    int quorum;      /* of an ACT_POLICY */
    int parents[VERDICTS_LINKS_MAX], grounds[VERDICTS_LINKS_MAX], seen[VERDICTS_LINKS_MAX];
    int parent_count, ground_count, seen_count;
};

struct verdicts_member {
    bool is_member;
    enum act_role role;
    int rank;
};

struct verdicts {
    struct verdicts_event events[VERDICTS_EVENTS_MAX];
    int count;
    /* What follows: */
    bool before[VERDICTS_EVENTS_MAX][VERDICTS_EVENTS_MAX]; /* [x][y]: x comes after y */
    bool held[VERDICTS_EVENTS_MAX];    /* was right by all that it comes after */
    bool removes[VERDICTS_EVENTS_MAX]; /* a removal that counts */
    bool agrees[VERDICTS_EVENTS_MAX];  /* one that counts because others wanted it, too */
    bool grants[VERDICTS_EVENTS_MAX];
};

/* Finds what follows of the event added last. */
void verdicts_add(struct verdicts *verdicts);

/* Of those events that are in the set, at a time; at 0 no time is over. */
void verdicts_members(const struct verdicts *verdicts, const bool *set, int at,
                      struct verdicts_member members[VERDICTS_KEYS]);
enum entity_leave verdicts_judge(const struct verdicts *verdicts, const bool *set, int index);

/* Places of those of a view that nothing in the view comes after: of the circle's changes, or of an
 * entity's ops; of all authors where author is -1. heads: room for VERDICTS_LINKS_MAX. */
int verdicts_heads(const struct verdicts *verdicts, const bool *view, bool is_op, int entity,
                   int author, int *heads);

/* The time of the last of those that an event names. */
int verdicts_time(const struct verdicts *verdicts, const struct verdicts_event *event);

/* All places in any order. */
void verdicts_shuffle(const struct verdicts *verdicts, int *order);

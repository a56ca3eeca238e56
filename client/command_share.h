/* command_share.h - who is to read what a command writes: everybody, the members of a circle, one's
 * friends, or oneself. Part of command.
 *
 * What is for friends or oneself is of a circle that its author begins when the first thing of that
 * scope is written, and in which only he writes: what the circles do for sealing, keys, finding and
 * sync they do for these. Two devices that began one before they met have both, and write to the
 * one with the lower id from then on.
 *
 *   threads  the store's
 *   errors   the pen's; ERR_INVALID: no such scope, or several at once
 */
#pragma once

#include "client/act.h"
#include "client/command_pen.h"

struct draft;
struct event;

#define SHARE_OPTIONS                                                                      \
    {"scope", "SCOPE", "public, friends or self: who reads it"},                           \
    {                                                                                      \
        "circle", "CIRCLE", "for the members of a circle, by its name or id, and no other" \
    }

struct share {
    bool is_public;
    struct bytes32 circle; /* unless it is public */
};

/* What the options say, or else preset: "public", "friends" or "self". Begins what is not there. */
MUST_CHECK bool share_read(struct share *share, struct pen *pen, const char *preset,
                           struct err *err);

/* What was created is to be for those that the options say. */
MUST_CHECK bool share_change(struct pen *pen, struct pen_change *change, const char *preset,
                             struct err *err);

/* Signs, keeps and queues the draft of what is no entity, which ends, for those that the options
 * say. */
MUST_CHECK bool share_put(struct pen *pen, struct event *event, struct draft *draft,
                          const char *preset, struct err *err);

/* The circle of what one keeps to oneself, or to one's friends. */
MUST_CHECK bool share_find(struct pen *pen, bool *is_there, struct bytes32 *circle,
                           enum act_scope scope, struct err *err);

/* Makes those who are friends now the readers of what is for friends, if anything is: who is none
 * any more reads nothing that follows. */
MUST_CHECK bool share_friends(struct pen *pen, struct err *err);

/* What --help says of scopes. */
void share_describe(struct text *out);

/* command_survey.h - what relays know of nodes, gathered for as long as it takes to hear each of
 * these once. Part of command.
 *
 *   ownership  survey_begin to survey_end, in any case
 *   threads    one
 */
#pragma once

#include "client/command_home.h"
#include "client/command_net.h"
#include "client/market.h"
#include "shared/arena.h"

enum { SURVEY_RELAYS_MAX = 16, SURVEY_WAIT_S = 12 };

struct survey_road {
    struct survey *survey;
    struct link *link;
    struct link_query *query;
    struct span url;
    bool is_told; /* all that was stored has come, or nothing will */
    bool is_lost;
};

struct survey {
    struct net net;
    struct arena arena; /* the relays' URLs */
    struct market *market;
    struct survey_road roads[SURVEY_RELAYS_MAX];
    uint32_t road_count;
    uv_timer_t patience;
    int64_t wait_s;  /* 0: heartbeats are not waited for */
    bool wants_word; /* of buyers, too: to be set before it runs */
    bool stays;      /* by survey_stay */
    bool is_running, is_over, has_left;
};

#define SURVEY_OPTIONS                                                                           \
    {"wait", "SECONDS", "for heartbeats, which come every 10; 0: of what is stored alone [12]"}, \
        {"relay", "URL", "ask this relay, not yours; may be repeated"}, HOME_OPTION, NET_OPTIONS

/* Says what is wrong. */
enum command_status survey_begin(struct survey *survey, const struct command_call *call);

/* The same without a relay: a loop, and nothing to hear. */
enum command_status survey_alone(struct survey *survey, const struct command_call *call);

/* Asks, and goes on to hear until survey_leave. Whoever wants that runs the loop. */
void survey_stay(struct survey *survey);

/* Until each offer that is stored has a heartbeat, or the time is up. Says which relays were no
 * help: COMMAND_PARTLY where some, COMMAND_FAILED where all. */
enum command_status survey_run(struct survey *survey);
void survey_end(struct survey *survey);

/* Hangs up; what was gathered stays until survey_end. */
void survey_leave(struct survey *survey);

/* A command that lists all that was heard: begins, runs, prints what write wrote, and ends. */
struct survey_list {
    struct arena *arena;
    struct market_entry *entries;
    size_t count;
};
typedef void survey_write_fn(struct text *out, const struct survey_list *list, bool is_json);
enum command_status survey_list(struct command_call *call, survey_write_fn *write);

/* Milliseconds of a clock that never goes back. */
uint64_t survey_ms(const struct survey *survey);

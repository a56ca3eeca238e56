/* station.h - a stage at work: its links (gpu/cable.h), its sessions (gpu/stage.h), and an executor
 * on a thread of its own, so that a long step holds up no link. Without one it hands rows on as
 * they are: a lead is that between stages of others, who know nothing of each other.
 *
 *   units      milliseconds
 *   ownership  the executor is the station's alone until it is freed, and borrowed; station_free
 *              waits for the step at hand, and gives the rest back as the loop runs on
 *   threads    loop thread only
 *   errors     those of cable
 */
#pragma once

#include "gpu/cable.h"
#include "gpu/stage.h"

struct exec;
struct station;

enum { STATION_NEXT_MAX = 8 };

struct station_setup {
    uv_loop_t *loop;
    struct exec *exec;               /* NULL: it hands on, */
    uint32_t sessions_max, rows_max; /* of that many sessions, so many rows at once */
    struct hail_self self;
    struct bytes32 key;
    const struct hail_door *door; /* of strangers that call, who then share it; NULL: nobody */
    const char *host;             /* to listen on; NULL: a first stage need not */
    uint16_t port;
    const char *next[STATION_NEXT_MAX]; /* replicas of the stage behind: ws://host:port */
    uint32_t next_count;                /* 0: it is the last */
    enum activation activation;         /* of what goes behind */
    uint32_t hangup_s;                  /* as cable's */
    uint32_t positions_max;             /* of a session */
    void (*result)(void *owner, uint64_t session, const struct stage_result *result);
    bool (*admits)(void *owner, uint64_t session); /* as gpu/stage.h's; NULL */
    /* The same; number: of the stranger who got the rows. NULL. */
    void (*crossed)(void *owner, uint64_t session, uint64_t number, uint32_t rows);
    /* Of a stranger who was called: he is there, or no more; NULL. Of those who are there, sessions
     * go on through the one of the lowest rank. */
    uint32_t (*met)(void *owner, uint64_t number, bool is_there);
    void (*note)(void *owner, const char *text); /* for people */
    void *owner;
};

/* NULL when it cannot listen, or a next is no address. */
MUST_CHECK struct station *station_new(const struct station_setup *setup, struct err *err);
void station_free(struct station *station);
uint16_t station_port(const struct station *station);

/* Of a first stage, for stage_open, stage_feed and stage_close; station_kick runs what is fed. */
struct stage *station_stage(struct station *station);
void station_kick(struct station *station);

/* As cable.h has it. */
MUST_CHECK bool station_call(struct station *station, const struct cable_stranger *stranger,
                             struct err *err);
void station_hang_up(struct station *station, uint64_t number);

struct station_statistics {
    uint32_t sessions;
    uint64_t rows, steps, nanoseconds; /* of the executor */
};
struct station_statistics station_statistics(const struct station *station);

/* Sessions for which there is no way on are told so at once: nobody else is awaited. */
void station_strand(struct station *station);

/* The key in a file: 64 hexadecimal digits. Only its owner may read it. */
MUST_CHECK bool station_read_key(struct bytes32 *key, const char *path, struct err *err);

/* lead.h - a lead at work: its own first layers, and what other nodes' stages do with their rows.
 *
 * The stages know nothing of each other. The lead sends rows to one, takes what becomes of them,
 * and hands that to the next; so it has, of each session, all that ever crossed any boundary, and
 * when a stage is lost, a replica gets the very same rows. The last sends its results to the lead.
 * Whoever is among the stages of a boundary can go on there: it is the links that are there now
 * that count, and of those the one with the fewest sessions.
 *
 *   units      layers, rows, milliseconds
 *   ownership  as gpu/station.h. What is routed is copied
 *   threads    loop thread only
 *   errors     those of station; what is wrong with a stage is noted
 */
#pragma once

#include "gpu/station.h"
#include "gpu/stint.h"

struct lead;

enum { LEAD_STAGES_MAX = 24, LEAD_BOUNDARIES_MAX = 12 };

/* Somebody's stage. */
struct lead_stage {
    uint64_t number;    /* which it is: not 0, and no other's */
    uint32_t rank;      /* sessions go on through those of the lowest that are there */
    struct stint stint; /* whose; without rows */
    char address[WIRE_TEXT_BYTES_MAX + 1];
    struct hail_pass pass;
};

struct lead_setup {
    struct station_setup first;                    /* of its own layers; result, note and owner */
    bool (*admits)(void *owner, uint64_t session); /* whether it is one of the lead's */
    /* stint: a stage is done with so many rows of a session. */
    void (*did)(void *owner, uint64_t session, const struct stint *stint);
    /* A stage is there, or no more. */
    void (*met)(void *owner, uint64_t number, bool is_there);
};

struct lead *lead_new(const struct lead_setup *setup, struct err *err);
void lead_free(struct lead *lead);

/* The station of the first layers. */
struct station *lead_station(struct lead *lead);

/* From now on these are its stages: those that are not among them are let go. */
void lead_route(struct lead *lead, const struct lead_stage *stages, uint32_t count);

/* Tells of the stages that have the session now, and ends it. */
void lead_close(struct lead *lead, uint64_t session);

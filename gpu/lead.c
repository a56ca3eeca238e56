#include "gpu/lead.h"

#include <stdio.h>
#include <stdlib.h>

#include "gpu/exec.h"
#include "shared/err.h"

/* Where rows of its sessions come back, and go on. */
struct border {
    struct lead *lead;
    uint32_t layer;
    struct station *station;
};

/* Whose a number is, or was: rows are told when they have gone. */
struct known {
    uint64_t number;
    struct stint stint;
};

enum { KNOWN_MAX = 4 * LEAD_STAGES_MAX };

struct lead {
    struct lead_setup setup;
    struct border borders[LEAD_BOUNDARIES_MAX]; /* the first: behind its own layers */
    uint32_t border_count;
    struct lead_stage stages[LEAD_STAGES_MAX];
    uint32_t stage_count;
    struct known known[KNOWN_MAX]; /* the latest, in a ring */
    uint32_t known_count;
};

static void tell(struct lead *lead, uint64_t session, uint64_t number, uint32_t rows)
{
    for (uint32_t i = 0; i < KNOWN_MAX; i++)
        if (lead->known[i].number == number) {
            struct stint stint = lead->known[i].stint;
            stint.rows = rows;
            lead->setup.did(lead->setup.first.owner, session, &stint);
            return;
        }
}

/* ---- borders ---- */

static void on_crossed(void *owner, uint64_t session, uint64_t number, uint32_t rows)
{
    const struct border *border = owner;
    tell(border->lead, session, number, rows);
}

static uint32_t on_met(void *owner, uint64_t number, bool is_there)
{
    const struct border *border = owner;
    const struct lead *lead = border->lead;
    for (uint32_t i = 0; i < lead->stage_count; i++)
        if (lead->stages[i].number == number) {
            lead->setup.met(lead->setup.first.owner, number, is_there);
            return lead->stages[i].rank;
        }
    return 0;
}

static bool on_admit(void *owner, uint64_t session)
{
    const struct border *border = owner;
    return border->lead->setup.admits(border->lead->setup.first.owner, session);
}

static void on_note(void *owner, const char *text)
{
    const struct border *border = owner;
    border->lead->setup.first.note(border->lead->setup.first.owner, text);
}

static void on_result(void *owner, uint64_t session, const struct stage_result *result)
{
    const struct border *border = owner;
    border->lead->setup.first.result(border->lead->setup.first.owner, session, result);
}

/* The first has layers of its own; the others hand on. */
static bool open_border(struct lead *lead, uint32_t layer, struct err *err)
{
    struct border *border = lead->borders + lead->border_count;
    struct station_setup setup = lead->setup.first;
    struct exec_options shard = exec_options(setup.exec);
    *border = (struct border){.lead = lead, .layer = layer};
    if (lead->border_count > 0) {
        setup.exec = NULL;
        setup.sessions_max = shard.sessions_max;
        setup.rows_max = shard.rows_max;
        setup.self.begin = setup.self.end = layer;
        setup.admits = on_admit;
    }
    setup.result = on_result;
    setup.crossed = on_crossed;
    setup.met = on_met;
    setup.note = on_note;
    setup.owner = border;
    border->station = station_new(&setup, err);
    lead->border_count += border->station != NULL;
    return border->station != NULL;
}

/* NULL when there are too many. */
static struct station *station_at(struct lead *lead, uint32_t layer, struct err *err)
{
    for (uint32_t i = 0; i < lead->border_count; i++)
        if (lead->borders[i].layer == layer)
            return lead->borders[i].station;
    bool ok = lead->border_count < LEAD_BOUNDARIES_MAX
                  ? open_border(lead, layer, err)
                  : err_set(err, ERR_INVALID, "rows come back at too many layers");
    return ok ? lead->borders[lead->border_count - 1].station : NULL;
}

/* ---- stages ---- */

static bool call(struct lead *lead, const struct lead_stage *stage, struct err *err)
{
    bool is_last = stage->stint.end == lead->setup.first.self.layers;
    struct station *before = station_at(lead, stage->stint.begin, err);
    struct station *behind = is_last          ? lead->borders[0].station
                             : before != NULL ? station_at(lead, stage->stint.end, err)
                                              : NULL;
    struct cable_stranger stranger = {.address = stage->address,
                                      .purpose = is_last ? HAIL_RESULTS : HAIL_RETURN,
                                      .pass = &stage->pass,
                                      .number = stage->number};
    if (before == NULL || behind == NULL || !station_call(behind, &stranger, err))
        return false;
    stranger.purpose = HAIL_ROWS;
    return station_call(before, &stranger, err);
}

static void hang_up(struct lead *lead, uint64_t number)
{
    for (uint32_t i = 0; i < lead->border_count; i++)
        station_hang_up(lead->borders[i].station, number);
}

static bool is_among(const struct lead_stage *stages, uint32_t count, uint64_t number)
{
    for (uint32_t i = 0; i < count; i++)
        if (stages[i].number == number)
            return true;
    return false;
}

/* Where no stage goes on, nobody is awaited: those before look for another way. */
static void strand(struct lead *lead)
{
    for (uint32_t i = 1; i < lead->border_count; i++) {
        bool goes_on = false;
        for (uint32_t j = 0; j < lead->stage_count; j++)
            goes_on = goes_on || lead->stages[j].stint.begin == lead->borders[i].layer;
        if (!goes_on)
            station_strand(lead->borders[i].station);
    }
}

/* One that is there already may have another rank now. */
static bool take_rank(struct lead *lead, const struct lead_stage *stage)
{
    for (uint32_t i = 0; i < lead->stage_count; i++)
        if (lead->stages[i].number == stage->number) {
            lead->stages[i].rank = stage->rank;
            return true;
        }
    return false;
}

void lead_route(struct lead *lead, const struct lead_stage *stages, uint32_t count)
{
    for (uint32_t i = 0; i < lead->stage_count;) {
        uint64_t number = lead->stages[i].number;
        if (is_among(stages, count, number)) {
            i++;
            continue;
        }
        hang_up(lead, number);
        lead->stages[i] = lead->stages[--lead->stage_count];
    }
    for (uint32_t i = 0; i < count && lead->stage_count < LEAD_STAGES_MAX; i++) {
        struct err err;
        if (take_rank(lead, stages + i))
            continue;
        lead->stages[lead->stage_count++] = stages[i];
        lead->known[lead->known_count++ % KNOWN_MAX] =
            (struct known){stages[i].number, stages[i].stint};
        if (call(lead, stages + i, &err))
            continue;
        lead->setup.first.note(lead->setup.first.owner, err.text);
        hang_up(lead, stages[i].number);
        lead->stage_count--;
    }
    strand(lead);
}

/* ---- sessions ---- */

void lead_close(struct lead *lead, uint64_t session)
{
    for (uint32_t i = 0; i < lead->border_count; i++) /* each tells what crossed it */
        stage_close(station_stage(lead->borders[i].station), session);
}

/* ---- the lead ---- */

struct lead *lead_new(const struct lead_setup *setup, struct err *err)
{
    struct lead *lead = calloc(1, sizeof *lead);
    if (lead == NULL)
        abort();
    lead->setup = *setup;
    if (open_border(lead, setup->first.self.end, err))
        return lead;
    free(lead);
    return NULL;
}

void lead_free(struct lead *lead)
{
    for (uint32_t i = 0; i < lead->border_count; i++)
        station_free(lead->borders[i].station);
    free(lead);
}

struct station *lead_station(struct lead *lead)
{
    return lead->borders[0].station;
}

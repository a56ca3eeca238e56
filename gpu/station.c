#include "gpu/station.h"

#include <stdlib.h>

#include "gpu/exec.h"
#include "gpu/labour.h"
#include "shared/err.h"

enum { TICK_MS = 1000 };

struct station_link {
    uint32_t id; /* 0: none */
    enum stage_side side;
    uint64_t number; /* of a stranger */
};

struct station {
    struct station_setup setup;
    struct stage *stage;
    struct cable *cable;
    struct labour *labour;
    bool is_first, is_last, is_freed;
    struct station_link links[CABLE_LINKS_MAX];
    char vias[STATION_NEXT_MAX][WIRE_TEXT_BYTES_MAX + 1]; /* of last stages */
    uint32_t via_count;
    uint64_t steps, nanoseconds, began; /* of what the executor did; of the step at hand */
    uv_async_t done;
    uv_timer_t tick;
    int handles; /* of the loop, that have not closed */
};

/* ---- results go straight from the last stage to the first, once that knows where it is ---- */

static void send_via(struct station *station, uint32_t link, const char *address)
{
    struct wire wire = {.type = WIRE_VIA, .payload = {address, strlen(address)}};
    cable_send(station->cable, link, &wire);
}

/* The first calls it; others tell those before them. */
static void learn_via(struct station *station, struct span address)
{
    char *at = station->vias[station->via_count];
    if (address.len == 0 || address.len > WIRE_TEXT_BYTES_MAX)
        return;
    for (uint32_t i = 0; i < station->via_count; i++)
        if (span_eq(address, (struct span){station->vias[i], strlen(station->vias[i])}))
            return;
    if (station->via_count == STATION_NEXT_MAX)
        return;
    memcpy(at, address.at, address.len);
    at[address.len] = '\0';
    station->via_count++;
    if (station->is_first) /* where it cannot be called, results come back by the way they went */
        (void)!cable_call(station->cable, at, HAIL_RESULTS, NULL);
    for (size_t i = 0; i < CABLE_LINKS_MAX; i++)
        if (station->links[i].id != 0 && station->links[i].side == STAGE_BEFORE)
            send_via(station, station->links[i].id, at);
}

/* ---- what is next ---- */

static void hand_on(struct station *station, struct stage_work *work)
{
    size_t width = station->setup.self.width;
    for (uint32_t i = 0; i < work->span_count; i++) {
        struct stage_span *span = work->spans + i;
        memcpy(span->hidden, span->in, span->count * width * sizeof *span->in);
        span->verdict = EXEC_DONE;
    }
    stage_done(station->stage, work);
}

static void turn(struct station *station)
{
    struct stage_work work;
    while (stage_plan(station->stage, &work))
        if (station->labour != NULL) {
            station->began = uv_hrtime();
            labour_give(station->labour, &work);
        } else {
            hand_on(station, &work);
        }
    for (size_t i = 0; i < CABLE_LINKS_MAX; i++)
        if (station->links[i].id != 0 && station->links[i].side == STAGE_BEHIND)
            cable_wake(station->cable, station->links[i].id);
}

static void on_done(uv_async_t *async)
{
    struct station *station = async->data;
    struct stage_work work;
    if (!labour_take(station->labour, &work))
        return;
    station->steps += work.span_count > 0;
    station->nanoseconds += work.span_count > 0 ? uv_hrtime() - station->began : 0;
    stage_done(station->stage, &work);
    turn(station);
}

static void on_told(void *owner) /* on the labour's thread */
{
    struct station *station = owner;
    uv_async_send(&station->done);
}

static void on_tick(uv_timer_t *timer)
{
    struct station *station = timer->data;
    stage_tick(station->stage, uv_now(station->setup.loop));
    turn(station);
}

/* ---- links ---- */

static enum stage_side side_of(const struct hail *hail)
{
    switch (hail->purpose) {
    case HAIL_ROWS:
        return hail->is_caller ? STAGE_BEHIND : STAGE_BEFORE;
    case HAIL_RETURN:
        return hail->is_caller ? STAGE_BEFORE : STAGE_BEHIND;
    case HAIL_RESULTS:
        break;
    }
    return hail->is_caller ? STAGE_TAIL : STAGE_HOME;
}

static bool on_up(void *owner, uint32_t link, const struct hail *hail, const char *address)
{
    struct station *station = owner;
    struct station_link *at = station->links;
    enum stage_side side = side_of(hail);
    uint64_t number = cable_number(station->cable, link);
    uint64_t origin = hail->is_caller ? 0 : hail->other.origin;
    while (at < station->links + CABLE_LINKS_MAX && at->id != 0)
        at++;
    if (at == station->links + CABLE_LINKS_MAX ||
        !stage_link_up(station->stage, link, side, origin))
        return false;
    *at = (struct station_link){link, side, number};
    if (number != 0 && station->setup.met != NULL)
        stage_rank(station->stage, link, station->setup.met(station->setup.owner, number, true));
    if (side == STAGE_BEHIND && hail->is_caller && number == 0 &&
        hail->other.end == hail->other.layers && !station->is_first)
        learn_via(station, (struct span){address, strlen(address)});
    for (uint32_t i = 0; side == STAGE_BEFORE && i < station->via_count; i++)
        send_via(station, link, station->vias[i]);
    turn(station);
    return true;
}

static uint64_t number_of(const struct station *station, uint32_t link)
{
    for (size_t i = 0; i < CABLE_LINKS_MAX; i++)
        if (station->links[i].id == link && link != 0)
            return station->links[i].number;
    return 0;
}

static void on_down(void *owner, uint32_t link)
{
    struct station *station = owner;
    uint64_t number = number_of(station, link);
    if (number != 0 && station->setup.met != NULL)
        station->setup.met(station->setup.owner, number, false);
    stage_link_down(station->stage, link);
    for (size_t i = 0; i < CABLE_LINKS_MAX; i++)
        if (station->links[i].id == link)
            station->links[i] = (struct station_link){0};
    turn(station);
}

/* Whom this stage has called with what it was told, and no stranger. */
static bool may_tell_via(const struct station *station, uint32_t link)
{
    for (size_t i = 0; i < CABLE_LINKS_MAX; i++)
        if (station->links[i].id == link)
            return station->links[i].side == STAGE_BEHIND && station->links[i].number == 0 &&
                   station->setup.next_count > 0;
    return false;
}

static bool on_receive(void *owner, uint32_t link, const struct wire *wire)
{
    struct station *station = owner;
    bool ok = true;
    if (wire->type == WIRE_VIA && !may_tell_via(station, link))
        ok = false;
    else if (wire->type == WIRE_VIA)
        learn_via(station, wire->payload);
    else
        ok = stage_receive(station->stage, link, wire);
    turn(station);
    return ok;
}

static bool on_drained(void *owner, uint32_t link)
{
    struct station *station = owner;
    return stage_pump(station->stage, link);
}

static void on_note(void *owner, const char *text)
{
    struct station *station = owner;
    station->setup.note(station->setup.owner, text);
}

static void on_send(void *owner, uint32_t link, const struct wire *wire)
{
    struct station *station = owner;
    cable_send(station->cable, link, wire);
}

static bool on_admit(void *owner, uint64_t session)
{
    const struct station *station = owner;
    return station->setup.admits(station->setup.owner, session);
}

static void on_crossed(void *owner, uint64_t session, uint32_t link, uint32_t rows)
{
    const struct station *station = owner;
    uint64_t number = number_of(station, link);
    if (number != 0)
        station->setup.crossed(station->setup.owner, session, number, rows);
}

static void on_result(void *owner, uint64_t session, const struct stage_result *result)
{
    struct station *station = owner;
    station->setup.result(station->setup.owner, session, result);
}

/* ---- the station ---- */

static bool open_cable(struct station *station, struct err *err)
{
    const struct station_setup *setup = &station->setup;
    struct cable_setup cable = {.loop = setup->loop,
                                .host = setup->host,
                                .port = setup->port,
                                .hangup_s = setup->hangup_s,
                                .self = setup->self,
                                .key = setup->key,
                                .door = setup->door,
                                .up = on_up,
                                .down = on_down,
                                .receive = on_receive,
                                .drained = on_drained,
                                .note = on_note,
                                .owner = station};
    station->cable = cable_new(&cable, err);
    if (station->cable == NULL)
        return false;
    for (uint32_t i = 0; i < setup->next_count; i++)
        if (!cable_call(station->cable, setup->next[i], HAIL_ROWS, err))
            return false;
    return true;
}

static void open_stage(struct station *station)
{
    const struct station_setup *setup = &station->setup;
    struct exec_options shard = {.sessions_max = setup->sessions_max, .rows_max = setup->rows_max};
    if (setup->exec != NULL)
        shard = exec_options(setup->exec);
    struct stage_options options = {.is_first = station->is_first,
                                    .is_last = station->is_last,
                                    .activation = station->setup.activation,
                                    .width = station->setup.self.width,
                                    .vocabulary = station->setup.self.vocabulary,
                                    .positions_max = station->setup.positions_max,
                                    .sessions_max = shard.sessions_max,
                                    .rows_max = shard.rows_max,
                                    .origin = station->setup.self.origin,
                                    .is_shared = setup->door != NULL,
                                    .admits = setup->admits != NULL ? on_admit : NULL,
                                    .crossed = setup->crossed != NULL ? on_crossed : NULL,
                                    .send = on_send,
                                    .result = on_result,
                                    .owner = station};
    station->stage = stage_new(&options);
}

struct station *station_new(const struct station_setup *setup, struct err *err)
{
    struct station *station = calloc(1, sizeof *station);
    if (station == NULL)
        abort();
    station->setup = *setup;
    station->is_first = setup->self.begin == 0;
    station->is_last = setup->self.end == setup->self.layers;
    uv_async_init(setup->loop, &station->done, on_done);
    uv_timer_init(setup->loop, &station->tick);
    station->done.data = station->tick.data = station;
    station->handles = 2;
    open_stage(station);
    if (setup->exec != NULL)
        station->labour = labour_new(setup->exec, on_told, station);
    if (!open_cable(station, err)) {
        station_free(station);
        return NULL;
    }
    uv_timer_start(&station->tick, on_tick, TICK_MS, TICK_MS);
    return station;
}

static void on_closed(uv_handle_t *handle)
{
    struct station *station = handle->data;
    if (--station->handles == 0)
        free(station);
}

void station_free(struct station *station)
{
    if (station->labour != NULL)
        labour_free(station->labour);
    if (station->cable != NULL)
        cable_free(station->cable);
    stage_free(station->stage);
    uv_close((uv_handle_t *)&station->done, on_closed);
    uv_close((uv_handle_t *)&station->tick, on_closed);
}

uint16_t station_port(const struct station *station)
{
    return cable_port(station->cable);
}

struct stage *station_stage(struct station *station)
{
    return station->stage;
}

void station_kick(struct station *station)
{
    turn(station);
}

bool station_call(struct station *station, const struct cable_stranger *stranger, struct err *err)
{
    return cable_call_stranger(station->cable, stranger, err);
}

void station_hang_up(struct station *station, uint64_t number)
{
    cable_hang_up(station->cable, number);
}

struct station_statistics station_statistics(const struct station *station)
{
    struct stage_statistics stage = stage_statistics(station->stage);
    return (struct station_statistics){stage.sessions, stage.rows, station->steps,
                                       station->nanoseconds};
}

void station_strand(struct station *station)
{
    stage_strand(station->stage);
    turn(station);
}

#include "gpu/stage_parts.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

struct stage *stage_new(const struct stage_options *options)
{
    struct stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL)
        abort();
    stage->options = *options;
    return stage;
}

static void free_session(struct stage_session *session)
{
    boundary_clear(&session->out);
    text_clear(&session->result);
    free(session->rows);
    free(session->tokens);
    free(session);
}

void stage_free(struct stage *stage)
{
    for (uint32_t i = 0; i < stage->count; i++)
        free_session(stage->sessions[i]);
    free(stage->sessions);
    free(stage->closed);
    free(stage);
}

struct stage_session *stage_find(const struct stage *stage, uint64_t id)
{
    for (uint32_t i = 0; i < stage->count; i++)
        if (stage->sessions[i]->id == id && !stage->sessions[i]->is_dead)
            return stage->sessions[i];
    return NULL;
}

struct stage_link *stage_find_link(struct stage *stage, uint32_t id)
{
    for (size_t i = 0; i < STAGE_LINKS_MAX; i++)
        if (stage->links[i].id == id)
            return stage->links + i;
    return NULL;
}

static uint32_t count_alive(const struct stage *stage)
{
    uint32_t alive = 0;
    for (uint32_t i = 0; i < stage->count; i++)
        alive += !stage->sessions[i]->is_dead;
    return alive;
}

uint32_t stage_drop_orphans(struct stage *stage)
{
    uint32_t dropped = 0;
    for (uint32_t i = 0; i < stage->count && !stage->options.is_first; i++) {
        struct stage_session *session = stage->sessions[i];
        if (session->is_dead || session->before != 0)
            continue;
        stage_end(stage, session);
        dropped++;
    }
    return dropped;
}

struct stage_session *stage_add(struct stage *stage, uint64_t id, uint32_t positions)
{
    if (count_alive(stage) == stage->options.sessions_max && stage_drop_orphans(stage) == 0)
        return NULL;
    if (stage->count == stage->capacity) {
        stage->capacity = stage->capacity == 0 ? 16 : 2 * stage->capacity;
        stage->sessions =
            reallocarray(stage->sessions, stage->capacity, sizeof(struct stage_session *));
    }
    struct stage_session *session = calloc(1, sizeof *session);
    if (stage->sessions == NULL || session == NULL)
        abort();
    session->id = id;
    session->positions_max = positions;
    session->out.activation = stage->options.activation;
    session->out.width = stage->options.width;
    stage->sessions[stage->count++] = session;
    return session;
}

static void add_closed(struct stage *stage, uint64_t id)
{
    if (stage->closed_count == stage->closed_capacity) {
        stage->closed_capacity = stage->closed_capacity == 0 ? 16 : 2 * stage->closed_capacity;
        stage->closed = reallocarray(stage->closed, stage->closed_capacity, sizeof(uint64_t));
        if (stage->closed == NULL)
            abort();
    }
    stage->closed[stage->closed_count++] = id;
}

void stage_sweep(struct stage *stage)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < stage->count; i++) {
        struct stage_session *session = stage->sessions[i];
        if (!session->is_dead || session->is_in_work) {
            stage->sessions[kept++] = session;
            continue;
        }
        if (session->is_known)
            add_closed(stage, session->id);
        free_session(session);
    }
    stage->count = kept;
}

/* ---- what is sent ---- */

void stage_send(struct stage *stage, uint32_t link, struct stage_session *session, struct wire wire)
{
    wire.session = session->id;
    stage->options.send(stage->options.owner, link, &wire);
}

void stage_refuse(struct stage *stage, uint32_t link, const struct wire *to,
                  enum wire_refusal refusal, const char *why)
{
    struct wire wire = {.type = WIRE_REFUSE,
                        .session = to->session,
                        .epoch = to->epoch,
                        .position = to->position,
                        .count = refusal,
                        .payload = {why, strlen(why)}};
    stage->options.send(stage->options.owner, link, &wire);
}

void stage_unroute(struct stage *stage, struct stage_session *session)
{
    struct stage_link *link = stage_find_link(stage, session->out.link);
    if (session->out.link != 0 && link != NULL)
        link->sessions--;
    if (session->out.crossed > 0 && stage->options.crossed != NULL)
        stage->options.crossed(stage->options.owner, session->id, session->out.link,
                               session->out.crossed);
    boundary_shut(&session->out);
}

void stage_reopen(struct stage *stage, struct stage_session *session, uint32_t epoch_min)
{
    uint64_t origin = htole64(session->origin);
    boundary_open(&session->out, session->out.link, epoch_min);
    stage_send(stage, session->out.link, session,
               (struct wire){.type = WIRE_OPEN,
                             .epoch = session->out.epoch,
                             .count = session->positions_max,
                             .width = session->out.width,
                             .credits = session->likely,
                             .payload = SPAN_OF(origin)});
}

bool stage_route(struct stage *stage, struct stage_session *session)
{
    struct stage_link *best = NULL;
    stage_unroute(stage, session);
    for (size_t i = 0; i < STAGE_LINKS_MAX; i++) {
        struct stage_link *link = stage->links + i;
        if (link->id != 0 && link->side == STAGE_BEHIND &&
            (link->origin == 0 || link->origin == session->origin) &&
            (session->tried >> i & 1) == 0 &&
            (best == NULL || link->rank < best->rank ||
             (link->rank == best->rank && link->sessions < best->sessions)))
            best = link;
    }
    if (best == NULL)
        return false;
    stage->reopened += session->out.epoch > 0;
    session->stranded_ms = 0;
    session->out.link = best->id;
    best->sessions++;
    stage_reopen(stage, session, session->epoch);
    return true;
}

void stage_end(struct stage *stage, struct stage_session *session)
{
    if (session->out.link != 0)
        stage_send(stage, session->out.link, session,
                   (struct wire){.type = WIRE_CLOSE, .epoch = session->out.epoch});
    stage_unroute(stage, session);
    session->is_dead = true;
}

void stage_fail(struct stage *stage, struct stage_session *session, enum wire_refusal refusal,
                const char *why)
{
    struct wire wire = {.session = session->id, .epoch = session->epoch};
    uint32_t before = session->before;
    stage_end(stage, session);
    if (stage->options.is_first) {
        struct stage_result result = {.why = why, .refusal = refusal};
        stage->options.result(stage->options.owner, wire.session, &result);
    } else if (before != 0) {
        stage_refuse(stage, before, &wire, refusal, why);
    }
}

void stage_tell(struct stage *stage, struct stage_session *session)
{
    uint32_t to = session->before;
    if (session->result_end == 0)
        return;
    for (size_t i = 0; i < STAGE_LINKS_MAX; i++)
        if (stage->links[i].id != 0 && stage->links[i].side == STAGE_HOME &&
            stage->links[i].origin == session->origin)
            to = stage->links[i].id;
    if (stage->options.is_first) {
        struct stage_result result = {.position = session->result_end - 1,
                                      .count = session->result_count,
                                      .is_pairs = session->result_is_pairs,
                                      .bytes = text_span(&session->result)};
        stage->options.result(stage->options.owner, session->id, &result);
    } else if (to != 0) {
        stage_send(stage, to, session,
                   (struct wire){.type = WIRE_RESULT,
                                 .flags = session->result_is_pairs ? WIRE_PAIRS : 0,
                                 .epoch = session->epoch,
                                 .position = session->result_end - 1,
                                 .count = session->result_count,
                                 .payload = text_span(&session->result)});
    }
}

void stage_credit(struct stage *stage, struct stage_session *session)
{
    session->told = session->done + STAGE_WINDOW;
    if (session->before != 0)
        stage_send(stage, session->before, session,
                   (struct wire){.type = WIRE_ACK,
                                 .epoch = session->epoch,
                                 .position = session->have,
                                 .credits = session->told - session->have});
}

bool stage_pump(struct stage *stage, uint32_t link)
{
    struct stage_session *next = NULL;
    for (uint32_t i = 0; i < stage->count; i++) {
        struct stage_session *session = stage->sessions[(stage->turn + i) % stage->count];
        uint32_t ready = session->out.link == link ? boundary_ready(&session->out) : 0;
        if (ready == 1) { /* an answer's next token: it goes before pieces of prompts */
            next = session;
            break;
        }
        if (ready > 0 && next == NULL)
            next = session;
    }
    if (next == NULL)
        return false;
    stage->turn++;
    stage_send(stage, link, next, boundary_next(&next->out));
    return true;
}

/* ---- links ---- */

bool stage_link_up(struct stage *stage, uint32_t link, enum stage_side side, uint64_t origin)
{
    struct stage_link *at = stage_find_link(stage, 0);
    if (at == NULL)
        return false;
    *at = (struct stage_link){.id = link, .side = side, .origin = origin};
    for (uint32_t i = 0; i < stage->count; i++) {
        struct stage_session *session = stage->sessions[i];
        if (session->is_dead)
            continue;
        if (side == STAGE_BEHIND && session->out.link == 0)
            stage_route(stage, session);
        if (side == STAGE_HOME && session->origin == origin)
            stage_tell(stage, session);
    }
    return true;
}

void stage_link_down(struct stage *stage, uint32_t link)
{
    struct stage_link *at = stage_find_link(stage, link);
    if (at == NULL || link == 0)
        return;
    struct stage_link was = *at;
    uint64_t bit = (uint64_t)1 << (at - stage->links);
    *at = (struct stage_link){0};
    for (uint32_t i = 0; i < stage->count; i++) {
        struct stage_session *session = stage->sessions[i];
        session->tried &= ~bit;
        if (session->before == link)
            session->before = 0;
        if (session->is_dead)
            continue;
        if (session->out.link == link)
            stage_route(stage, session);
        if (was.side == STAGE_HOME && session->origin == was.origin)
            stage_tell(stage, session);
    }
}

void stage_rank(struct stage *stage, uint32_t link, uint32_t rank)
{
    struct stage_link *at = stage_find_link(stage, link);
    if (at != NULL)
        at->rank = rank;
}

void stage_strand(struct stage *stage)
{
    for (uint32_t i = 0; i < stage->count; i++) {
        struct stage_session *session = stage->sessions[i];
        if (!session->is_dead && session->out.link == 0)
            stage_fail(stage, session, WIRE_FULL, "no stage goes on with it");
    }
    stage_sweep(stage);
}

/* ---- of the first stage ---- */

bool stage_open(struct stage *stage, uint64_t session, uint32_t positions, uint32_t likely)
{
    assert(stage->options.is_first && session != 0);
    if (stage_find(stage, session) != NULL || positions > stage->options.positions_max)
        return false;
    struct stage_session *added = stage_add(stage, session, positions);
    if (added == NULL)
        return false;
    added->epoch = 1;
    added->origin = stage->options.origin;
    added->likely = likely;
    if (!stage->options.is_last)
        stage_route(stage, added);
    return true;
}

void stage_feed(struct stage *stage, uint64_t session, const uint32_t *tokens, uint32_t count)
{
    struct stage_session *fed = stage_find(stage, session);
    assert(fed != NULL && count <= fed->positions_max - fed->have);
    uint32_t waiting = fed->have - fed->done;
    if (waiting + count > fed->row_capacity) {
        fed->row_capacity = waiting + count;
        fed->tokens = reallocarray(fed->tokens, fed->row_capacity, sizeof *fed->tokens);
        if (fed->tokens == NULL)
            abort();
    }
    memcpy(fed->tokens + waiting, tokens, count * sizeof *tokens);
    fed->have += count;
    fed->wanted = fed->have;
}

void stage_close(struct stage *stage, uint64_t session)
{
    struct stage_session *closed = stage_find(stage, session);
    if (closed != NULL)
        stage_end(stage, closed);
    stage_sweep(stage);
}

/* ---- time ---- */

static bool is_past(uint64_t *since, bool is_so, uint64_t now, uint64_t limit)
{
    if (!is_so)
        *since = 0;
    else if (*since == 0)
        *since = now > 0 ? now : 1;
    return *since != 0 && now > *since && now - *since >= limit;
}

void stage_tick(struct stage *stage, uint64_t now_ms)
{
    for (uint32_t i = 0; i < stage->count; i++) {
        struct stage_session *session = stage->sessions[i];
        if (session->is_dead)
            continue;
        bool is_orphan = !stage->options.is_first && session->before == 0;
        bool is_stranded = !stage->options.is_last && session->out.link == 0;
        if (is_past(&session->orphan_ms, is_orphan, now_ms, STAGE_ORPHAN_MS))
            stage_end(stage, session);
        else if (is_past(&session->stranded_ms, is_stranded, now_ms, STAGE_STRANDED_MS))
            stage_fail(stage, session, WIRE_FULL, "no stage goes on with it");
    }
    stage_sweep(stage);
}

struct stage_statistics stage_statistics(const struct stage *stage)
{
    struct stage_statistics statistics = {
        .sessions = count_alive(stage), .rows = stage->rows, .reopened = stage->reopened};
    for (size_t i = 0; i < STAGE_LINKS_MAX; i++) {
        const struct stage_link *link = stage->links + i;
        statistics.links_before += link->id != 0 && link->side == STAGE_BEFORE;
        statistics.links_behind += link->id != 0 && link->side == STAGE_BEHIND;
    }
    return statistics;
}

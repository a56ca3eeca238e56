#include <endian.h>
#include <stdlib.h>

#include "gpu/stage_parts.h"

enum { LIKELY_MAX = 1024 };

/* Whose it is: of a stage that is shared, the link says it, not the frame. */
static uint64_t origin_of(const struct stage *stage, const struct stage_link *from,
                          const struct wire *wire)
{
    uint64_t origin;
    memcpy(&origin, wire->payload.at, sizeof origin);
    return stage->options.is_shared ? from->origin : le64toh(origin);
}

static bool may_open(const struct stage *stage, const struct stage_session *session,
                     uint64_t origin, const struct wire *wire)
{
    if (stage->options.admits != NULL &&
        !stage->options.admits(stage->options.owner, wire->session))
        return false;
    return session == NULL || !stage->options.is_shared || session->origin == origin;
}

static bool receive_open(struct stage *stage, const struct stage_link *from,
                         const struct wire *wire)
{
    uint32_t link = from->id;
    struct wire reply = *wire;
    struct stage_session *session = stage_find(stage, wire->session);
    uint64_t origin = origin_of(stage, from, wire);
    reply.position = 0;
    if (wire->epoch == 0 || wire->epoch > WIRE_POSITIONS_MAX)
        return false;
    if (!may_open(stage, session, origin, wire)) {
        stage_refuse(stage, link, &reply, WIRE_BROKEN, "a session of somebody else");
        return true;
    }
    if (wire->width != stage->options.width || wire->count > stage->options.positions_max ||
        wire->credits > LIKELY_MAX) {
        stage_refuse(stage, link, &reply, WIRE_BROKEN, "longer, or of other rows, than runs here");
        return true;
    }
    if (session != NULL && (wire->epoch < session->epoch ||
                            (wire->epoch == session->epoch && session->before != link))) {
        reply.position = session->epoch;
        stage_refuse(stage, link, &reply, WIRE_STALE, "");
        return true;
    }
    if (session == NULL)
        session = stage_add(stage, wire->session, wire->count);
    if (session == NULL) {
        stage_refuse(stage, link, &reply, WIRE_FULL, "too many sessions");
        return true;
    }
    if (session->before != 0 && session->before != link) {
        reply.epoch = session->epoch;
        stage_refuse(stage, session->before, &reply, WIRE_TAKEN, "");
    }
    session->before = link;
    session->epoch = wire->epoch;
    session->origin = origin;
    session->likely = wire->credits;
    stage_credit(stage, session);
    stage_tell(stage, session);
    if (!stage->options.is_last && session->out.link == 0)
        stage_route(stage, session);
    return true;
}

/* Room for so many more rows behind those that wait. */
static float *reserve(struct stage_session *session, uint32_t count, uint32_t width)
{
    uint32_t waiting = session->have - session->done;
    if (waiting + count > session->row_capacity) {
        session->row_capacity = waiting + count;
        session->rows =
            reallocarray(session->rows, session->row_capacity, width * sizeof *session->rows);
        if (session->rows == NULL)
            abort();
    }
    return session->rows + (size_t)waiting * width;
}

/* False when a number is not finite. */
static bool read_rows(struct stage_session *session, const struct wire *wire)
{
    size_t bytes = activation_bytes(wire->activation, wire->width);
    uint32_t known = session->have - wire->position;
    float *rows = reserve(session, wire->count - known, wire->width);
    for (uint32_t i = known; i < wire->count; i++, rows += wire->width)
        if (!activation_read(rows, wire->activation, wire->payload.at + i * bytes, wire->width))
            return false;
    session->have += wire->count - known;
    return true;
}

static bool receive_hidden(struct stage *stage, uint32_t link, const struct wire *wire)
{
    struct stage_session *session = stage_find(stage, wire->session);
    uint32_t end = wire->position + wire->count;
    if (session == NULL) {
        stage_refuse(stage, link, wire, WIRE_UNKNOWN, "");
        return true;
    }
    if (session->before != link || session->epoch != wire->epoch)
        return true; /* from before the session went another way */
    if (wire->width != stage->options.width || end > session->positions_max || end > session->told)
        return false;
    if (wire->position > session->have) {
        stage_refuse(stage, link, wire, WIRE_UNKNOWN, "");
        return true;
    }
    if (end <= session->have)
        return true;
    if (!read_rows(session, wire)) {
        stage_fail(stage, session, WIRE_BROKEN, "a number that is not finite");
        return true;
    }
    if ((wire->flags & WIRE_WANTED) != 0)
        session->wanted = end;
    return true;
}

static bool receive_close(struct stage *stage, uint32_t link, const struct wire *wire)
{
    struct stage_session *session = stage_find(stage, wire->session);
    if (session != NULL && session->before == link && session->epoch == wire->epoch)
        stage_end(stage, session);
    return true;
}

static bool receive_ack(struct stage *stage, uint32_t link, const struct wire *wire)
{
    struct stage_session *session = stage_find(stage, wire->session);
    if (session == NULL || session->out.link != link || session->out.epoch != wire->epoch)
        return true;
    return boundary_ack(&session->out, wire->position, wire->credits);
}

static bool receive_result(struct stage *stage, const struct stage_link *from,
                           const struct wire *wire)
{
    struct stage_session *session = stage_find(stage, wire->session);
    uint32_t end = wire->position + 1;
    bool is_behind = from->side == STAGE_BEHIND;
    if (session != NULL && is_behind && from->origin != 0 && from->origin != session->origin)
        return true;
    /* One that is told again goes on: it may have been lost on the way. The first has had it. */
    if (session == NULL || end < session->result_end)
        return true;
    if (stage->options.is_first && (end != session->wanted || end == session->result_end))
        return true;
    bool is_pairs = (wire->flags & WIRE_PAIRS) != 0;
    if (is_pairs ? wire->count > session->likely : wire->count != stage->options.vocabulary)
        return false;
    session->result.len = 0;
    text_add(&session->result, wire->payload);
    session->result_end = end;
    session->result_count = wire->count;
    session->result_is_pairs = is_pairs;
    stage_tell(stage, session);
    return true;
}

static bool receive_refuse(struct stage *stage, uint32_t link, const struct wire *wire)
{
    struct stage_session *session = stage_find(stage, wire->session);
    if (session == NULL || session->out.link != link || session->out.epoch != wire->epoch)
        return true;
    switch ((enum wire_refusal)wire->count) {
    case WIRE_STALE:
        stage_reopen(stage, session, wire->position + 1);
        return true;
    case WIRE_UNKNOWN:
        stage_reopen(stage, session, 0);
        return true;
    case WIRE_TAKEN: /* if by mistake, those before open it here again */
        stage_unroute(stage, session);
        if (stage->options.is_first)
            stage_route(stage, session);
        else
            stage_fail(stage, session, WIRE_UNKNOWN, "");
        return true;
    case WIRE_FULL:
    case WIRE_BROKEN:
        break;
    }
    char why[WIRE_TEXT_BYTES_MAX + 1] = {0};
    memcpy(why, wire->payload.at, wire->payload.len);
    session->tried |= (uint64_t)1 << (stage_find_link(stage, link) - stage->links);
    if (!stage_route(stage, session))
        stage_fail(stage, session, (enum wire_refusal)wire->count, why);
    return true;
}

static bool dispatch(struct stage *stage, const struct stage_link *from, const struct wire *wire)
{
    bool is_before = from->side == STAGE_BEFORE;
    bool is_behind = from->side == STAGE_BEHIND;
    switch (wire->type) {
    case WIRE_OPEN:
        return is_before && receive_open(stage, from, wire);
    case WIRE_HIDDEN:
        return is_before && receive_hidden(stage, from->id, wire);
    case WIRE_CLOSE:
        return is_before && receive_close(stage, from->id, wire);
    case WIRE_ACK:
        return is_behind && receive_ack(stage, from->id, wire);
    case WIRE_REFUSE:
        return is_behind && receive_refuse(stage, from->id, wire);
    case WIRE_RESULT:
        return (is_behind || from->side == STAGE_TAIL) && receive_result(stage, from, wire);
    case WIRE_HELLO:
    case WIRE_VIA:
        break;
    }
    return false;
}

bool stage_receive(struct stage *stage, uint32_t link, const struct wire *wire)
{
    struct stage_link *from = stage_find_link(stage, link);
    if (link == 0 || from == NULL)
        return false;
    bool ok = dispatch(stage, from, wire);
    stage_sweep(stage);
    return ok;
}

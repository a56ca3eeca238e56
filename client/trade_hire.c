#include "client/trade_hire.h"

#include "client/trade_parts.h"

void trade_write_job(struct text *out, struct span unit, struct span job)
{
    text_add(out, SPAN("{\"unit\":"));
    text_add_json(out, unit);
    text_add(out, SPAN(",\"request\":"));
    text_add_json(out, job);
    text_add(out, SPAN("}"));
}

static bool find_coin(const struct trade *trade, struct trade_hired *hired, struct arena *arena,
                      struct err *err)
{
    struct purse_points points;
    if (!purse_points(trade->purse, &points, arena, trade->mint.number, hired->trade, err))
        return false;
    if (points.count == 0)
        return err_set(err, ERR_INVALID, "a job that no coin pays for");
    hired->y = points.at[0];
    return true;
}

bool trade_hire(const struct trade *trade, struct trade_hired *hired, struct arena *arena,
                const struct purse_payment *payment, struct err *err)
{
    struct purse_payment melt = *payment;
    struct purse_request request;
    int64_t code;
    *hired = (struct trade_hired){0};
    melt.method = SPAN("compute");
    melt.more = SPAN(",\"prefer_async\":true");
    if (!purse_begin_melt(trade->purse, &request, arena, &melt, err))
        return false;
    hired->trade = request.trade;
    return find_coin(trade, hired, arena, err) && trade_carry(trade, &request, &code, err);
}

struct span trade_job_path(struct arena *arena, const struct bytes33 *y, const char *rest)
{
    struct text path = {0};
    text_add(&path, SPAN("/v1/jobs/"));
    text_add_hex(&path, y->at, sizeof y->at);
    text_add(&path, (struct span){rest, strlen(rest) + 1});
    struct span copy = arena_copy(arena, text_span(&path));
    text_clear(&path);
    return (struct span){copy.at, copy.len - 1};
}

static bool ask(const struct trade *trade, struct standing *standing, struct arena *arena,
                struct span path, struct span body, struct err *err)
{
    struct span answer;
    return trade_get(trade, &answer, arena, path.at, body, err) &&
           standing_read(standing, arena, answer, err);
}

bool trade_look(const struct trade *trade, struct standing *standing, struct arena *arena,
                const struct bytes33 *y, struct err *err)
{
    return ask(trade, standing, arena, trade_job_path(arena, y, ""), SPAN(""), err);
}

bool trade_cancel(const struct trade *trade, struct standing *standing, struct arena *arena,
                  const struct bytes33 *y, struct err *err)
{
    return ask(trade, standing, arena, trade_job_path(arena, y, "/cancel"), SPAN("{}"), err);
}

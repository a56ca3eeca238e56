/* trade_hire.h - a job that is paid for with coins, by a melt of the method "compute", over
 * whichever way the mint is asked. Part of trade.
 *
 *   units      amounts in the unit named
 *   ownership  results live in the arena given
 *   threads    one
 *   errors     trade.h's
 */
#pragma once

#include "client/standing.h"
#include "client/trade.h"

struct trade_hired {
    int64_t trade;
    struct bytes33 y; /* of one of its coins: who has that may ask what became of it */
};

/* What POST /v1/melt/quote/compute is asked for a price. The job is as OpenAI's API has it. */
void trade_write_job(struct text *out, struct span unit, struct span job);

/* Pays for a job whose quote is there. Of payment its mint, unit, quote, amount and time count. It
 * is paid for once the mint has answered; where it does not, the trade stays open. */
MUST_CHECK bool trade_hire(const struct trade *trade, struct trade_hired *hired,
                           struct arena *arena, const struct purse_payment *payment,
                           struct err *err);

/* /v1/jobs/Y and what follows it, NUL-terminated. */
struct span trade_job_path(struct arena *arena, const struct bytes33 *y, const char *rest);

/* How it stands, at once. */
MUST_CHECK bool trade_look(const struct trade *trade, struct standing *standing,
                           struct arena *arena, const struct bytes33 *y, struct err *err);
MUST_CHECK bool trade_cancel(const struct trade *trade, struct standing *standing,
                             struct arena *arena, const struct bytes33 *y, struct err *err);

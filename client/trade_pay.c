/* Credit pays a Lightning invoice. */
#include <inttypes.h>

#include "client/trade_parts.h"

static bool ask_quote(const struct trade *trade, struct wallet_quote *quote, struct arena *arena,
                      struct span invoice, struct err *err)
{
    struct text body = {0};
    struct span answer;
    text_add(&body, SPAN("{\"unit\":\"ccr\",\"request\":"));
    text_add_json(&body, invoice);
    text_add(&body, SPAN("}"));
    bool ok = trade_get(trade, &answer, arena, "/v1/melt/quote/bolt11", text_span(&body), err) &&
              wallet_read_quote(quote, arena, answer, err);
    text_clear(&body);
    return ok;
}

static bool check_quote(const struct wallet_quote *quote, struct span invoice, uint64_t max,
                        struct err *err)
{
    uint64_t most;
    if (__builtin_add_overflow(quote->amount, quote->fee_reserve, &most) || most > INT64_MAX ||
        quote->amount == 0)
        return err_set(err, ERR_INVALID, "the mint says a price that is none");
    if (quote->request.len > 0 && !span_eq(quote->request, invoice))
        return err_set(err, ERR_INVALID, "the mint would pay another invoice");
    return max == 0 || most <= max ||
           err_set(err, ERR_RATE_LIMITED, "it costs up to %" PRIu64 ".%02u credits, with fees",
                   most / 100, (unsigned)(most % 100));
}

bool trade_pay(const struct trade *trade, struct trade_paid *paid, struct arena *arena,
               struct span invoice, uint64_t max, struct err *err)
{
    struct wallet_quote quote;
    struct purse_request request;
    struct purse_trade known;
    int64_t code;
    if (!ask_quote(trade, &quote, arena, invoice, err) || !check_quote(&quote, invoice, max, err))
        return false;
    const struct purse_payment payment = {.mint = trade->mint.number,
                                          .unit = SPAN("ccr"),
                                          .amount = quote.amount + quote.fee_reserve,
                                          .method = SPAN("bolt11"),
                                          .quote = quote.id,
                                          .now_ms = trade_now()};
    if (!purse_begin_melt(trade->purse, &request, arena, &payment, err) ||
        !trade_carry(trade, &request, &code, err) ||
        !purse_trade(trade->purse, &known, arena, request.trade, err))
        return false;
    *paid = (struct trade_paid){.is_over = known.state == PURSE_DONE,
                                .amount = known.amount,
                                .fee = known.fee,
                                .proof = known.note};
    return true;
}

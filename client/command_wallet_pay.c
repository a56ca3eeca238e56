/* shoal wallet pay. */
#include <inttypes.h>

#include "client/command_wallet.h"
#include "shared/err.h"
#include "shared/text.h"

enum { PROOF_BYTES_MAX = 128 };

static void report(const struct pocket *pocket, struct text *out, const struct trade_paid *paid)
{
    if (pocket->call->is_json) {
        text_addf(out, "{\"%s\":%" PRIu64 ",\"fee\":%" PRIu64 ",\"unit\":\"ccr\",\"mint\":",
                  paid->is_over ? "paid" : "pending", paid->amount, paid->fee);
        text_add_json(out, pocket->trade.mint.url);
        text_add(out, SPAN(",\"preimage\":"));
        text_add_json(out, paid->proof);
        text_add(out, pocket->is_trial ? SPAN(",\"dry_run\":true}\n") : SPAN("}\n"));
        return;
    }
    text_addf(out, "%s%s", pocket->is_trial ? "would be " : "",
              paid->is_over ? "paid: " : "pending: up to ");
    pocket_write_amount(out, paid->amount + paid->fee);
    text_add(out, SPAN(" credits"));
    if (paid->proof.len > 0) {
        text_add(out, SPAN("; preimage "));
        home_write_words(out, paid->proof, PROOF_BYTES_MAX);
    }
    text_add(out, paid->is_over ? SPAN("\n") : SPAN("; wallet sync says what became of it\n"));
}

static bool step_pay(struct pocket *pocket, struct text *out, struct err *err)
{
    const char *word = command_value(pocket->call, "max");
    struct trade_paid paid = {.is_over = true};
    uint64_t max = 0;
    if ((word != NULL && !pocket_amount(&max, word, err)) ||
        !pocket_choose(pocket, (struct span){0}, err))
        return false;
    if (!pocket->is_trial &&
        (!pocket_reach(pocket, err) || !trade_pay(&pocket->trade, &paid, &pocket->arena,
                                                  command_span(pocket->call->words[0]), max, err)))
        return false;
    report(pocket, out, &paid);
    return true;
}

static enum command_status run_pay(struct command_call *call)
{
    return pocket_run(call, step_pay);
}

static void describe_pay(struct text *out)
{
    text_add(out, SPAN("Credit that was bought (ccr) pays a Lightning invoice, at nodes that do "
                       "that. What is reserved for\nfees and not used comes back; what cannot be "
                       "paid costs nothing.\n"));
}

static const struct command_option pay_options[] = {
    {"max", "CREDITS", "not if it may cost more, with fees"}, WALLET_OPTIONS};

const struct command command_wallet_pay = {.name = "wallet pay",
                                           .words = "INVOICE",
                                           .help = "pay a Lightning invoice with credit",
                                           .words_min = 1,
                                           .words_max = 1,
                                           .options = pay_options,
                                           .option_count = ARRAY_LEN(pay_options),
                                           .run = run_pay,
                                           .more = describe_pay};

/* shoal wallet mint, balance, history. */
#include <inttypes.h>

#include "client/command_wallet.h"
#include "client/teller.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/text.h"

enum { SHOWN = 100, SHOWN_MAX = 100000, NOTE_SHOWN = 60 };

/* ---- mints ---- */

static bool list_mints(struct pocket *pocket, struct text *out, struct err *err)
{
    struct purse_mint *mints;
    size_t count;
    if (!purse_mints(pocket->trade.purse, &mints, &count, &pocket->arena, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (pocket->call->is_json) {
            text_add(out, SPAN("{\"mint\":"));
            text_add_json(out, mints[i].url);
            text_addf(out, ",\"typical\":%" PRIu64 "}\n", mints[i].typical);
        } else {
            home_write_words(out, mints[i].url, TELLER_URL_MAX);
            text_add(out, SPAN("\n"));
        }
    }
    return true;
}

/* One whose keysets cannot be had is none. */
static bool add_mint(struct pocket *pocket, struct text *out, struct span url, uint64_t typical,
                     struct err *err)
{
    struct trade *trade = &pocket->trade;
    struct err ignored;
    if (!teller_takes(url))
        return err_set(err, ERR_INVALID,
                       "expected https://..., http:// of this machine, or nostr:nprofile1...");
    if (!pocket->is_trial) {
        if (!purse_add_mint(trade->purse, &trade->mint.number, url, typical, err))
            return false;
        trade->mint.url = url;
        if (!pocket_reach(pocket, err)) {
            (void)!purse_drop_mint(trade->purse, trade->mint.number, &ignored);
            return false;
        }
    }
    text_add(out, pocket->call->is_json ? SPAN("{\"mint\":") : SPAN(""));
    if (pocket->call->is_json)
        text_add_json(out, url);
    else
        home_write_words(out, url, TELLER_URL_MAX);
    if (pocket->is_trial)
        text_add(out, pocket->call->is_json ? SPAN(",\"dry_run\":true") : SPAN(": not added"));
    text_add(out, pocket->call->is_json ? SPAN("}\n") : SPAN("\n"));
    return true;
}

static enum command_status run_mint(struct command_call *call)
{
    struct pocket pocket;
    struct text out = {0};
    struct err err;
    int64_t typical;
    bool is_add = strcmp(call->words[0], "add") == 0;
    if (!command_number(call, "typical-job", 0, INT32_MAX, &typical))
        return COMMAND_USAGE;
    if (is_add != (call->word_count == 2) || (!is_add && strcmp(call->words[0], "list") != 0))
        return command_misuse(call, "expected add URL, or list");
    enum command_status status = is_add ? pocket_open(&pocket, call) : pocket_look(&pocket, call);
    if (status == COMMAND_DONE) {
        bool ok = is_add
                      ? add_mint(&pocket, &out, pocket_url(call->words[1]), (uint64_t)typical, &err)
                      : list_mints(&pocket, &out, &err);
        status = ok ? command_print(call, &out) : command_fail(call, &err);
    }
    text_clear(&out);
    pocket_close(&pocket);
    return status;
}

static void describe_mint(struct text *out)
{
    text_add(out,
             SPAN("A mint is a node that owes you work for its credit. Its keys are checked "
                  "against their id, and each\ncoin against its keys. An address is "
                  "https://..., or nostr:nprofile1...: a node that is asked over relays alone, "
                  "each question sealed\nto it under a key that is thrown away.\n"));
}

static const struct command_option mint_options[] = {
    {"typical-job", "UNITS", "what a job costs there; 20 of them is the most that is kept [500]"},
    WALLET_OPTIONS};

const struct command command_wallet_mint = {.name = "wallet mint",
                                            .words = "add URL | list",
                                            .help = "the nodes whose credit you keep",
                                            .words_min = 1,
                                            .words_max = 2,
                                            .options = mint_options,
                                            .option_count = ARRAY_LEN(mint_options),
                                            .run = run_mint,
                                            .more = describe_mint};

/* ---- balance ---- */

static void write_balance(struct text *out, const struct purse_balance *balance, bool is_json)
{
    if (is_json) {
        text_add(out, SPAN("{\"mint\":"));
        text_add_json(out, balance->url);
        text_add(out, SPAN(",\"unit\":"));
        text_add_json(out, balance->unit);
        text_addf(out,
                  ",\"units\":%" PRIu64 ",\"pending\":%" PRIu64 ",\"given\":%" PRIu64
                  ",\"coins\":%" PRIu64 "}\n",
                  balance->unspent, balance->pending, balance->given, balance->coins);
        return;
    }
    pocket_write_amount(out, balance->unspent);
    text_add(out, SPAN(" credits "));
    home_write_words(out, balance->unit, NOTE_SHOWN);
    text_add(out, SPAN(" at "));
    home_write_words(out, balance->url, TELLER_URL_MAX);
    if (balance->pending > 0) {
        text_add(out, SPAN(", and "));
        pocket_write_amount(out, balance->pending);
        text_add(out, SPAN(" under way"));
    }
    if (balance->given > 0) {
        text_add(out, SPAN(", and "));
        pocket_write_amount(out, balance->given);
        text_add(out, SPAN(" handed out, not taken yet"));
    }
    text_add(out, SPAN("\n"));
}

static enum command_status run_balance(struct command_call *call)
{
    struct pocket pocket;
    struct purse_balance *balances;
    struct text out = {0};
    struct err err;
    size_t count;
    enum command_status status = pocket_look(&pocket, call);
    if (status == COMMAND_DONE) {
        bool ok = purse_balances(pocket.trade.purse, &balances, &count, &pocket.arena, &err);
        for (size_t i = 0; ok && i < count; i++)
            write_balance(&out, &balances[i], call->is_json);
        status = ok ? command_print(call, &out) : command_fail(call, &err);
    }
    text_clear(&out);
    pocket_close(&pocket);
    return status;
}

static const struct command_option look_options[] = {WALLET_OPTIONS_LOOK};

const struct command command_wallet_balance = {.name = "wallet balance",
                                               .help = "what credit you have, and where",
                                               .options = look_options,
                                               .option_count = ARRAY_LEN(look_options),
                                               .run = run_balance};

/* ---- history ---- */

static const char *const kinds[] = {[PURSE_MINT] = "credit",
                                    [PURSE_SEND] = "sent",
                                    [PURSE_RECEIVE] = "received",
                                    [PURSE_MELT] = "paid",
                                    [PURSE_RESTORE] = "restored"};
static const char *const states[] = {[PURSE_ASKED] = "asked",
                                     [PURSE_SENT] = "open",
                                     [PURSE_DONE] = "done",
                                     [PURSE_FAILED] = "failed"};

static void write_json_trade(struct text *out, const struct purse_trade *trade, bool has_token)
{
    text_addf(out,
              "{\"trade\":%" PRId64 ",\"kind\":\"%s\",\"state\":\"%s\",\"units\":%" PRIu64
              ",\"fee\":%" PRIu64 ",\"began_ms\":%" PRIu64 ",\"ended_ms\":%" PRIu64 ",\"mint\":",
              trade->number, kinds[trade->kind], states[trade->state], trade->amount, trade->fee,
              trade->began_ms, trade->ended_ms);
    text_add_json(out, trade->url);
    text_add(out, SPAN(",\"unit\":"));
    text_add_json(out, trade->unit);
    text_add(out, SPAN(",\"note\":"));
    text_add_json(out,
                  trade->kind == PURSE_MELT && trade->state == PURSE_DONE ? SPAN("") : trade->note);
    text_addf(out, ",\"has_token\":%s", trade->token.len > 0 ? "true" : "false");
    if (has_token && trade->token.len > 0) {
        text_add(out, SPAN(",\"token\":"));
        text_add_json(out, trade->token);
    }
    text_add(out, SPAN("}\n"));
}

static void write_trade(struct text *out, const struct purse_trade *trade, bool has_token)
{
    home_write_time(out, (int64_t)(trade->began_ms / 1000));
    text_addf(out, "  %-8s %-6s ", kinds[trade->kind], states[trade->state]);
    pocket_write_amount(out, trade->amount);
    text_add(out, SPAN(" "));
    home_write_words(out, trade->unit, NOTE_SHOWN);
    if (trade->note.len > 0 && (trade->kind != PURSE_MELT || trade->state != PURSE_DONE)) {
        text_add(out, SPAN("  "));
        home_write_words(out, trade->note, NOTE_SHOWN);
    }
    if (trade->token.len > 0 && !has_token)
        text_add(out, SPAN("  not taken yet: --tokens"));
    text_add(out, SPAN("\n"));
    if (trade->token.len > 0 && has_token)
        text_addf(out, "%.*s\n", SPAN_ARG(trade->token));
}

static bool look_history(struct pocket *pocket, struct text *out, int64_t max, struct err *err)
{
    const struct purse_view view = {.max = (size_t)max};
    bool has_tokens = command_value(pocket->call, "tokens") != NULL;
    struct purse_trades trades;
    if (!purse_trades(pocket->trade.purse, &trades, &pocket->arena, &view, err))
        return false;
    for (size_t i = 0; i < trades.count; i++)
        (pocket->call->is_json ? write_json_trade : write_trade)(out, &trades.at[i], has_tokens);
    return true;
}

static enum command_status run_history(struct command_call *call)
{
    struct pocket pocket;
    struct text out = {0};
    struct err err;
    int64_t max;
    if (!command_number(call, "limit", SHOWN, SHOWN_MAX, &max))
        return COMMAND_USAGE;
    enum command_status status = pocket_look(&pocket, call);
    if (status == COMMAND_DONE)
        status = look_history(&pocket, &out, max, &err) ? command_print(call, &out)
                                                        : command_fail(call, &err);
    text_clear(&out);
    pocket_close(&pocket);
    return status;
}

static const struct command_option history_options[] = {
    {"limit", "N", "the newest so many [100]"},
    {"tokens", NULL, "the tokens, too, that you handed out and nobody has taken yet"},
    WALLET_OPTIONS_LOOK};

const struct command command_wallet_history = {.name = "wallet history",
                                               .help = "what came, went and was tried",
                                               .options = history_options,
                                               .option_count = ARRAY_LEN(history_options),
                                               .run = run_history};

/* shoal wallet grant, buy, send, receive, restore, sync. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "client/command_wallet_stash.h"
#include "client/secret.h"
#include "client/teller.h"
#include "client/token.h"
#include "shared/err.h"
#include "shared/text.h"

enum command_status pocket_run(const struct command_call *call, pocket_step_fn *step)
{
    struct pocket pocket;
    struct text out = {0};
    struct err err;
    enum command_status status = pocket_open(&pocket, call);
    if (status == COMMAND_DONE)
        status = step(&pocket, &out, &err) ? command_print(call, &out) : command_fail(call, &err);
    text_clear(&out);
    pocket_close(&pocket);
    return status;
}

/* "granted", and how much of what. */
static void report(const struct pocket *pocket, struct text *out, const char *what, uint64_t amount,
                   struct span unit)
{
    if (pocket->call->is_json) {
        text_addf(out, "{\"%s\":%" PRIu64 ",\"unit\":", what, amount);
        text_add_json(out, unit);
        text_add(out, SPAN(",\"mint\":"));
        text_add_json(out, pocket->trade.mint.url);
        text_add(out, pocket->is_trial ? SPAN(",\"dry_run\":true}\n") : SPAN("}\n"));
        return;
    }
    text_add(out, pocket->is_trial ? SPAN("would be ") : SPAN(""));
    text_addf(out, "%s: ", what);
    pocket_write_amount(out, amount);
    text_add(out, SPAN(" credits "));
    home_write_words(out, unit, TOKEN_KEYSET_BYTES_MAX);
    text_add(out, SPAN("\n"));
}

/* ---- credit ---- */

static bool step_grant(struct pocket *pocket, struct text *out, struct err *err)
{
    uint64_t amount;
    int64_t stage;
    if (!command_read_number(pocket->call, "stage", 1, 4, &stage, err) ||
        !pocket_choose(pocket, (struct span){0}, err))
        return false;
    if (stage == 0)
        return err_set(err, ERR_INVALID, "--stage: 1 to 4");
    if (pocket->is_trial) {
        report(pocket, out, "granted", 0, SPAN("ccr-promo"));
        return true;
    }
    if (!pocket_reach(pocket, err) || !trade_grant(&pocket->trade, &amount, (uint32_t)stage, err))
        return false;
    report(pocket, out, "granted", amount, SPAN("ccr-promo"));
    return true;
}

static enum command_status run_grant(struct command_call *call)
{
    return pocket_run(call, step_grant);
}

static void describe_grant(struct text *out)
{
    text_add(out, SPAN("Free credit to begin with, once for each of four stages; those after the "
                       "first want a job that was\npaid for at the node. It costs this machine "
                       "some work, and is of the unit ccr-promo, which buys\nthe same and is "
                       "never money.\n"));
}

static const struct command_option grant_options[] = {
    {"stage", "N", "1 to 4 [1]"}, WALLET_OPTION_FORCE, WALLET_OPTIONS};

const struct command command_wallet_grant = {.name = "wallet grant",
                                             .help = "get the free credit that a node gives",
                                             .options = grant_options,
                                             .option_count = ARRAY_LEN(grant_options),
                                             .run = run_grant,
                                             .more = describe_grant};

static bool step_buy(struct pocket *pocket, struct text *out, struct err *err)
{
    struct purse_payment payment = {.unit = SPAN("ccr"), .method = SPAN("bolt11")};
    struct span request;
    if (!pocket_amount(&payment.amount, pocket->call->words[0], err) ||
        !pocket_choose(pocket, (struct span){0}, err))
        return false;
    payment.mint = pocket->trade.mint.number;
    payment.now_ms = home_now();
    if (pocket->is_trial) {
        report(pocket, out, "bought", payment.amount, payment.unit);
        return true;
    }
    if (!pocket_reach(pocket, err) ||
        !trade_buy(&pocket->trade, &request, &pocket->arena, &payment, err))
        return false;
    if (pocket->call->is_json) {
        text_addf(out, "{\"units\":%" PRIu64 ",\"request\":", payment.amount);
        text_add_json(out, request);
        text_add(out, SPAN("}\n"));
    } else {
        home_write_words(out, request, TOKEN_BYTES_MAX);
        text_add(out, SPAN("\nonce that is paid: shoal wallet sync\n"));
    }
    return true;
}

static enum command_status run_buy(struct command_call *call)
{
    return pocket_run(call, step_buy);
}

static const struct command_option buy_options[] = {WALLET_OPTION_FORCE, WALLET_OPTIONS};

const struct command command_wallet_buy = {
    .name = "wallet buy",
    .words = "CREDITS",
    .help = "ask a node for a Lightning invoice; wallet sync takes the credit once it is paid",
    .words_min = 1,
    .words_max = 1,
    .options = buy_options,
    .option_count = ARRAY_LEN(buy_options),
    .run = run_buy};

/* ---- tokens ---- */

/* The one that is asked for, or the only one of which there is enough. */
static bool find_unit(struct pocket *pocket, struct purse_payment *payment, struct err *err)
{
    const char *named = command_value(pocket->call, "unit");
    struct purse_balance *balances;
    size_t count, found = 0;
    if (named != NULL) {
        payment->unit = command_span(named);
        return true;
    }
    if (!purse_balances(pocket->trade.purse, &balances, &count, &pocket->arena, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (balances[i].mint == payment->mint && balances[i].unspent >= payment->amount) {
            payment->unit = balances[i].unit;
            found++;
        }
    if (found == 0)
        return err_set(err, ERR_INVALID, "there is not enough in any unit");
    return found == 1 || err_set(err, ERR_INVALID, "of which unit? --unit ccr or ccr-promo");
}

static bool try_send(struct pocket *pocket, struct text *out, const struct purse_payment *payment,
                     struct err *err)
{
    struct purse_request request;
    bool ok = purse_begin_send(pocket->trade.purse, &request, &pocket->arena, payment, err);
    if (ok)
        report(pocket, out, "sent", payment->amount, payment->unit);
    return ok;
}

static void report_token(const struct pocket *pocket, struct text *out,
                         const struct purse_payment *payment, const struct text *token)
{
    if (!pocket->call->is_json) {
        text_addf(out, "%.*s\n", (int)token->len, token->at);
        return;
    }
    text_addf(out, "{\"sent\":%" PRIu64 ",\"unit\":", payment->amount);
    text_add_json(out, payment->unit);
    text_add(out, SPAN(",\"mint\":"));
    text_add_json(out, pocket->trade.mint.url);
    text_add(out, SPAN(",\"token\":"));
    text_add_json(out, text_span(token));
    text_add(out, SPAN("}\n"));
}

static bool step_send(struct pocket *pocket, struct text *out, struct err *err)
{
    const char *memo = command_value(pocket->call, "memo");
    struct purse_payment payment = {.memo = command_span(memo != NULL ? memo : ""),
                                    .now_ms = home_now()};
    struct text token = {0};
    if (!pocket_amount(&payment.amount, pocket->call->words[0], err) ||
        !pocket_choose(pocket, (struct span){0}, err) ||
        !pocket_is_stashed(pocket, &payment.is_fresh, err))
        return false;
    payment.mint = pocket->trade.mint.number;
    if (pocket->is_trial)
        return find_unit(pocket, &payment, err) && try_send(pocket, out, &payment, err);
    bool ok = pocket_reach(pocket, err) && find_unit(pocket, &payment, err) &&
              trade_send(&pocket->trade, &token, &payment, err);
    if (ok)
        report_token(pocket, out, &payment, &token);
    if (token.at != NULL)
        secret_wipe(token.at, token.capacity);
    text_clear(&token);
    return ok;
}

static enum command_status run_send(struct command_call *call)
{
    return pocket_run(call, step_send);
}

static void describe_send(struct text *out)
{
    text_add(out, SPAN("Prints a token: whoever has it has the credit. It is kept until somebody "
                       "takes it (wallet history\n--tokens), and wallet receive takes it back.\n"));
}

static const struct command_option send_options[] = {
    {"memo", "TEXT", "for whoever gets it"}, WALLET_OPTION_UNIT, WALLET_OPTIONS};

const struct command command_wallet_send = {.name = "wallet send",
                                            .words = "CREDITS",
                                            .help = "make a token of credit for somebody",
                                            .words_min = 1,
                                            .words_max = 1,
                                            .options = send_options,
                                            .option_count = ARRAY_LEN(send_options),
                                            .run = run_send,
                                            .more = describe_send};

static bool read_file(struct text *out, const char *path, struct err *err)
{
    bool is_input = strcmp(path, "-") == 0;
    int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? 1 : -1;
    while (got > 0 && out->len <= TOKEN_BYTES_MAX) {
        got = read(fd, text_reserve(out, TOKEN_BYTES_MAX / 4), TOKEN_BYTES_MAX / 4);
        if (got > 0)
            out->len += (size_t)got;
    }
    if (!is_input && fd >= 0)
        close(fd);
    return got >= 0 || err_set(err, ERR_INVALID, "cannot read %.60s", path);
}

/* The mint that it names, or under another address whose keysets it is of. */
static bool choose_mint_of(struct pocket *pocket, const struct token *token, struct err *err)
{
    struct span url = token->mint;
    while (url.len > 0 && url.at[url.len - 1] == '/')
        url.len--;
    return (purse_find_mint(pocket->trade.purse, &pocket->trade.mint, &pocket->arena, url, err) &&
            pocket->trade.mint.number != 0) ||
           (purse_find_keyset(pocket->trade.purse, &pocket->trade.mint, &pocket->arena,
                              &token->proofs[0], err) &&
            pocket->trade.mint.number != 0) ||
           pocket_choose(pocket, url, err);
}

static bool take(struct pocket *pocket, struct text *out, struct span text, struct err *err)
{
    struct token token;
    uint64_t amount;
    if (!token_read(&token, &pocket->arena, text, err) || !choose_mint_of(pocket, &token, err))
        return false;
    if (!token_sum(&amount, &token))
        return err_set(err, ERR_INVALID, "a token worth more than can be counted");
    if (!pocket->is_trial &&
        (!pocket_reach(pocket, err) || !trade_receive(&pocket->trade, &amount, text, err)))
        return false;
    report(pocket, out, "received", amount, token.unit);
    return true;
}

static bool step_receive(struct pocket *pocket, struct text *out, struct err *err)
{
    const char *path = pocket->call->word_count > 0 ? pocket->call->words[0] : "-";
    struct text text = {0};
    bool ok = read_file(&text, path, err) && take(pocket, out, text_span(&text), err);
    if (text.at != NULL)
        secret_wipe(text.at, text.capacity);
    text_clear(&text);
    return ok;
}

static enum command_status run_receive(struct command_call *call)
{
    const char *word = call->word_count > 0 ? call->words[0] : "-";
    if (strncmp(word, "cashu", 5) == 0)
        return command_misuse(call, "a token is money, and others see arguments: put it into a "
                                    "file, or on standard input");
    return pocket_run(call, step_receive);
}

static void describe_receive(struct text *out)
{
    text_add(out, SPAN("Reads a token from the file, or from standard input. Its mint must be one "
                       "of yours; each coin is\nchecked against the mint's keys, and made anew, "
                       "so that whoever gave it can spend it no more.\n"));
}

static const struct command_option receive_options[] = {WALLET_OPTION_FORCE, WALLET_OPTIONS};

const struct command command_wallet_receive = {.name = "wallet receive",
                                               .words = "[FILE]",
                                               .help = "take a token that somebody gave you",
                                               .words_max = 1,
                                               .options = receive_options,
                                               .option_count = ARRAY_LEN(receive_options),
                                               .run = run_receive,
                                               .more = describe_receive};

/* ---- what there was ---- */

/* Each mint by itself: one that is not there is no reason not to ask the others. */
static bool each_mint(struct pocket *pocket, struct text *out, struct err *err,
                      bool (*step)(struct pocket *pocket, struct text *out, struct err *err))
{
    struct purse_mint *mints;
    size_t count, done = 0;
    if (command_value(pocket->call, "mint") != NULL)
        return pocket_choose(pocket, (struct span){0}, err) && step(pocket, out, err);
    if (!purse_mints(pocket->trade.purse, &mints, &count, &pocket->arena, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct err why;
        pocket->trade.mint = mints[i];
        bool ok = step(pocket, out, &why);
        teller_free(pocket->trade.teller);
        pocket->trade.teller = NULL;
        done += ok;
        if (!ok)
            *err = why;
    }
    return done == count;
}

static bool restore_one(struct pocket *pocket, struct text *out, struct err *err)
{
    uint64_t count = 0;
    if (!pocket->is_trial &&
        (!pocket_reach(pocket, err) || !pocket_take_coins(pocket, &count, err) ||
         !trade_restore(&pocket->trade, &count, err)))
        return false;
    if (pocket->call->is_json) {
        text_addf(out, "{\"coins\":%" PRIu64 ",\"mint\":", count);
        text_add_json(out, pocket->trade.mint.url);
        text_add(out, pocket->is_trial ? SPAN(",\"dry_run\":true}\n") : SPAN("}\n"));
    } else {
        text_addf(out, "%" PRIu64 " coins found at ", count);
        home_write_words(out, pocket->trade.mint.url, TELLER_URL_MAX);
        text_add(out, SPAN("\n"));
    }
    return true;
}

static bool step_restore(struct pocket *pocket, struct text *out, struct err *err)
{
    return pocket_take_mints(pocket, err) && each_mint(pocket, out, err, restore_one);
}

static enum command_status run_restore(struct command_call *call)
{
    return pocket_run(call, step_restore);
}

static void describe_restore(struct text *out)
{
    text_add(out, SPAN("All coins are made of one seed, and the seed of your key: with the key, "
                       "and the addresses of your\nmints (wallet mint add), a lost device loses "
                       "nothing. What another device told relays of (wallet sync) is found, too, "
                       "once\nshoal sync --author has brought it. A key that is kept by a bunker "
                       "gives no\nseed: then it is "
                       "random, and in the store alone.\n"));
}

static const struct command_option step_options[] = {WALLET_OPTIONS};

const struct command command_wallet_restore = {.name = "wallet restore",
                                               .help = "find all your coins again, by your key",
                                               .options = step_options,
                                               .option_count = ARRAY_LEN(step_options),
                                               .run = run_restore,
                                               .more = describe_restore};

static bool sync_one(struct pocket *pocket, struct text *out, struct err *err)
{
    struct purse_trades trades;
    const struct purse_view view = {
        .mint = pocket->trade.mint.number, .is_open = true, .max = TOKEN_PROOFS_MAX};
    uint64_t count = 0;
    if (!pocket->is_trial &&
        (!pocket_reach(pocket, err) || !pocket_take_coins(pocket, &count, err) ||
         !trade_check(&pocket->trade, err)))
        return false;
    if (!purse_trades(pocket->trade.purse, &trades, &pocket->arena, &view, err))
        return false;
    if (pocket->call->is_json) {
        text_addf(out, "{\"open\":%zu,\"mint\":", trades.count);
        text_add_json(out, pocket->trade.mint.url);
        text_add(out, pocket->is_trial ? SPAN(",\"dry_run\":true}\n") : SPAN("}\n"));
    } else {
        home_write_words(out, pocket->trade.mint.url, TELLER_URL_MAX);
        text_addf(out, ": %zu open\n", trades.count);
    }
    return true;
}

static bool step_sync(struct pocket *pocket, struct text *out, struct err *err)
{
    return pocket_take_mints(pocket, err) && each_mint(pocket, out, err, sync_one) &&
           (pocket->is_trial || pocket_stash(pocket, err));
}

static enum command_status run_sync(struct command_call *call)
{
    return pocket_run(call, step_sync);
}

static void describe_sync(struct text *out)
{
    text_add(out,
             SPAN("Where you have credit, and which coins, is written in events that only your "
                  "key opens (NIP-60), and\nqueued for your relays: others see that you have "
                  "a wallet, and when it changed. Another device of yours\ngets them by shoal "
                  "sync --author, and takes over what is not spent by wallet sync.\n"));
}

const struct command command_wallet_sync = {
    .name = "wallet sync",
    .help = "end what was left open at your mints, and say, sealed, what you have",
    .more = describe_sync,
    .options = step_options,
    .option_count = ARRAY_LEN(step_options),
    .run = run_sync};

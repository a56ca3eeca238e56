/* The wallet's parts, opened for a command. */
#include "client/command_wallet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/holder.h"
#include "client/keys.h"
#include "client/teller.h"
#include "client/vault.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/text.h"

enum { UNITS = 100, SECOND_MS = 1000 }; /* of a credit; of a second */

enum command_status pocket_look(struct pocket *pocket, const struct command_call *call)
{
    enum command_status status;
    *pocket = (struct pocket){.call = call};
    pocket->store = home_open(call, &status);
    if (pocket->store != NULL)
        pocket->trade.purse = purse_open(pocket->store);
    return status;
}

/* Whether the key itself is out of reach, with a bunker. */
static bool is_far(const struct command_call *call)
{
    char path[VAULT_PATH_MAX];
    struct vault vault = {0};
    bool is = vault_path(path, command_value(call, "key"), NULL) &&
              vault_read(&vault, path, NULL) && vault.bunker.len > 0;
    vault_clear(&vault);
    return is;
}

/* The first time the key itself is wanted, of which the seed is made. */
static enum command_status unlock(struct pocket *pocket)
{
    enum command_status status = COMMAND_DONE;
    struct keys *keys = NULL;
    struct err err;
    bool is_made;
    if (!purse_is_made(pocket->trade.purse, &is_made, &err))
        return command_fail(pocket->call, &err);
    if (!is_made && !is_far(pocket->call)) {
        keys = command_keys(pocket->call, &status);
        pocket->holder = keys != NULL ? holder_of_keys(keys) : NULL;
    } else {
        pocket->holder = command_holder(pocket->call, &status);
    }
    if (pocket->holder == NULL)
        return status;
    return purse_unlock(pocket->trade.purse, pocket->holder, keys, &err)
               ? COMMAND_DONE
               : command_fail(pocket->call, &err);
}

enum command_status pocket_open(struct pocket *pocket, const struct command_call *call)
{
    struct err err;
    enum command_status status = pocket_look(pocket, call);
    pocket->is_trial = command_value(call, "dry-run") != NULL;
    if (status == COMMAND_DONE && pocket->is_trial && !store_begin(pocket->store, &err))
        status = command_fail(call, &err);
    if (status == COMMAND_DONE)
        status = unlock(pocket);
    if (status != COMMAND_DONE)
        return status;
    pocket->trade.is_forced = command_value(call, "force") != NULL;
    pocket->has_net = true;
    return net_open(&pocket->net, call);
}

void pocket_close(struct pocket *pocket)
{
    teller_free(pocket->trade.teller);
    if (pocket->has_net)
        net_close(&pocket->net);
    if (pocket->is_trial && pocket->store != NULL)
        store_rollback(pocket->store);
    purse_close(pocket->trade.purse);
    holder_free(pocket->holder);
    store_close(pocket->store);
    arena_clear(&pocket->arena);
}

struct span pocket_url(const char *word)
{
    struct span url = command_span(word);
    while (url.len > 0 && url.at[url.len - 1] == '/')
        url.len--;
    return url;
}

static bool choose_only(struct pocket *pocket, struct err *err)
{
    struct purse_mint *mints;
    size_t count;
    if (!purse_mints(pocket->trade.purse, &mints, &count, &pocket->arena, err))
        return false;
    if (count == 0)
        return err_set(err, ERR_INVALID, "no mint yet: shoal wallet mint add URL");
    if (count > 1)
        return err_set(err, ERR_INVALID, "which of %zu mints? --mint URL", count);
    pocket->trade.mint = mints[0];
    return true;
}

bool pocket_choose(struct pocket *pocket, struct span url, struct err *err)
{
    const char *named = command_value(pocket->call, "mint");
    if (url.len == 0 && named == NULL)
        return choose_only(pocket, err);
    if (url.len == 0)
        url = pocket_url(named);
    return purse_find_mint(pocket->trade.purse, &pocket->trade.mint, &pocket->arena, url, err) &&
           (pocket->trade.mint.number != 0 ||
            err_set(err, ERR_INVALID, "its mint is none of yours: shoal wallet mint add %.*s",
                    (int)(url.len < 60 ? url.len : 60), url.at));
}

bool pocket_reach(struct pocket *pocket, struct err *err)
{
    struct net *net = &pocket->net;
    const char *proxy = command_value(pocket->call, "proxy");
    size_t open;
    if (proxy == NULL)
        proxy = getenv("SHOAL_PROXY"); // NOLINT(concurrency-mt-unsafe): one thread so far
    const struct teller_setup setup = {
        .loop = &net->loop,
        .url = pocket->trade.mint.url,
        .host = net->host,
        .proxy = command_span(proxy != NULL ? proxy : ""),
        .ca_file = command_value(pocket->call, "ca-file"),
        .timeout_ms = (uint32_t)net->timeout_s * SECOND_MS,
    };
    pocket->trade.teller = teller_new(&setup, err);
    return pocket->trade.teller != NULL && trade_refresh(&pocket->trade, err) &&
           trade_settle(&pocket->trade, &open, err);
}

bool pocket_amount(uint64_t *units, const char *word, struct err *err)
{
    *units = 0;
    return (number_hundredths(units, command_span(word)) && *units > 0) ||
           err_set(err, ERR_INVALID, "expected credits, such as 12 or 0.05, got '%.20s'", word);
}

void pocket_write_amount(struct text *out, uint64_t units)
{
    text_addf(out, "%" PRIu64 ".%02" PRIu64, units / UNITS, units % UNITS);
}

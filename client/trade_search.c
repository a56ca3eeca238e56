/* Coins of the seed, found again; and how many more may be kept. */
#include <inttypes.h>

#include "client/purse_search.h"
#include "client/trade_parts.h"

enum { BATCH = 100, EMPTY_MAX = 3 };

static bool search_keyset(const struct trade *trade, uint64_t *count, const struct bytes33 *keyset,
                          uint64_t counter, struct err *err)
{
    struct purse_search search = {
        .mint = trade->mint.number, .keyset = *keyset, .counter = counter, .count = BATCH};
    for (int empty = 0; empty < EMPTY_MAX;) {
        struct arena arena = {0};
        struct text body = {0};
        struct span answer;
        struct purse_found found;
        bool ok = purse_write_search(trade->purse, &body, &search, err) &&
                  trade_get(trade, &answer, &arena, "/v1/restore", text_span(&body), err) &&
                  purse_end_search(trade->purse, &found, &search, answer, err);
        text_clear(&body);
        arena_clear(&arena);
        if (!ok)
            return false;
        empty = found.next > search.counter ? 0 : empty + 1;
        *count += found.count;
        search.counter += BATCH;
    }
    return true;
}

static bool search_all(const struct trade *trade, uint64_t *count, bool is_ahead, struct err *err)
{
    struct arena arena = {0};
    struct wallet_keyset *keysets;
    size_t keyset_count;
    uint64_t counter = 0;
    *count = 0;
    bool ok = purse_keysets(trade->purse, &keysets, &keyset_count, &arena, trade->mint.number, err);
    for (size_t i = 0; ok && i < keyset_count; i++)
        ok = (!is_ahead || purse_counter(trade->purse, &counter, &keysets[i].id, err)) &&
             search_keyset(trade, count, &keysets[i].id, counter, err);
    arena_clear(&arena);
    return ok;
}

bool trade_restore(const struct trade *trade, uint64_t *count, struct err *err)
{
    return search_all(trade, count, false, err) && trade_check(trade, err);
}

bool trade_catch_up(const struct trade *trade, struct err *err)
{
    uint64_t count;
    return search_all(trade, &count, true, err) && trade_check(trade, err);
}

bool trade_check_room(const struct trade *trade, struct span unit, uint64_t amount, struct err *err)
{
    uint64_t room;
    if (trade->is_forced)
        return true;
    if (!purse_room(trade->purse, &room, trade->mint.number, unit, err))
        return false;
    return amount <= room || err_set(err, ERR_RATE_LIMITED,
                                     "over %d typical jobs of credit at one node, %" PRIu64
                                     " units more may be kept: --force",
                                     PURSE_JOBS_MAX, room);
}

#include "client/command_wallet_stash.h"

#include <sodium.h>

#include "client/box.h"
#include "client/catalog.h"
#include "client/draft.h"
#include "client/holder.h"
#include "client/pen.h"
#include "client/purse_stash.h"
#include "client/secret.h"
#include "client/stash.h"
#include "client/teller.h"
#include "client/wallet_lock.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { EVENTS_MAX = STASH_GONE_MAX, COINS_MAX = 100 }; /* of one event; of one event */

/* ---- what events say ---- */

struct kept {
    struct bytes32 id;
    struct span plain; /* secret, of the list's arena */
};

struct kept_list {
    struct arena arena;
    struct kept *at;
    size_t count;
};

static bool add_one(void *owner, const struct catalog_event *event)
{
    struct kept_list *list = owner;
    list->at = arena_grow(&list->arena, struct kept, list->at, list->count);
    list->at[list->count++] = (struct kept){event->id, arena_copy(&list->arena, event->json)};
    return true;
}

/* What is not to be opened is left out: whoever has the key may write anything. */
static void open_all(const struct pocket *pocket, struct kept_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct text plain = {0};
        struct event event;
        bool ok =
            event_parse(&event, &list->arena, list->at[i].plain, NULL) &&
            holder_open(pocket->holder, &plain, holder_pubkey(pocket->holder),
                        scan_decode(&list->arena, (struct scan_string){event.content_json, true}),
                        NULL);
        if (ok)
            list->at[kept++] =
                (struct kept){list->at[i].id, arena_copy(&list->arena, text_span(&plain))};
        if (plain.at != NULL)
            secret_wipe(plain.at, plain.capacity);
        text_clear(&plain);
    }
    list->count = kept;
}

/* The newest first. */
static bool read_kept(const struct pocket *pocket, struct kept_list *list, uint16_t kind,
                      struct err *err)
{
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = EVENTS_MAX,
                                  .authors = {1, holder_pubkey(pocket->holder)},
                                  .kinds = {1, &kind}};
    *list = (struct kept_list){0};
    if (!catalog_each(pocket->store, &filter, add_one, list, err))
        return false;
    open_all(pocket, list);
    return true;
}

bool pocket_take_mints(struct pocket *pocket, struct err *err)
{
    struct kept_list list;
    struct stash_wallet wallet;
    int64_t number;
    bool ok = read_kept(pocket, &list, KIND_WALLET, err);
    for (size_t i = 0; ok && i < list.count; i++) {
        if (!stash_read_wallet(&wallet, &list.arena, list.at[i].plain, NULL))
            continue;
        for (uint32_t k = 0; ok && k < wallet.mint_count; k++)
            if (teller_takes(wallet.mints[k]))
                ok = purse_add_mint(pocket->trade.purse, &number, wallet.mints[k], 0, err);
    }
    arena_clear(&list.arena);
    return ok;
}

bool pocket_take_coins(struct pocket *pocket, uint64_t *count, struct err *err)
{
    const struct purse_mint *mint = &pocket->trade.mint;
    struct kept_list list;
    struct stash_coins coins;
    bool ok = read_kept(pocket, &list, KIND_WALLET_COINS, err);
    for (size_t i = 0; ok && i < list.count; i++)
        if (stash_read_coins(&coins, &list.arena, list.at[i].plain, NULL) &&
            span_eq(coins.token.mint, mint->url))
            ok = purse_unstash(pocket->trade.purse, count, mint->number, &coins.token, err);
    arena_clear(&list.arena);
    return ok;
}

/* ---- what this device says ---- */

struct writing {
    struct pocket *pocket;
    struct pen pen;
    struct kept_list kept; /* of coins */
};

static bool put(struct writing *writing, struct bytes32 *id, uint16_t kind, struct text *plain,
                struct err *err)
{
    const struct holder *holder = writing->pocket->holder;
    struct draft draft = {.kind = kind, .created_at = (int64_t)(writing->pen.now_ms / 1000)};
    struct event event;
    struct bytes32 nonce;
    randombytes_buf(&nonce, sizeof nonce);
    bool ok =
        holder_seal(holder, &draft.content, holder_pubkey(holder), text_span(plain), &nonce, err) &&
        pen_sign(&writing->pen, &event, &draft, err) && pen_put(&writing->pen, &event, err);
    if (ok)
        *id = event.id;
    draft_clear(&draft);
    if (plain->at != NULL)
        secret_wipe(plain->at, plain->capacity);
    text_clear(plain);
    return ok;
}

static bool delete_coins(struct writing *writing, const struct bytes32 *gone, uint32_t count,
                         struct err *err)
{
    struct draft draft = {.kind = KIND_DELETION,
                          .created_at = (int64_t)(writing->pen.now_ms / 1000)};
    struct event event;
    for (uint32_t i = 0; i < count; i++)
        draft_tag_id(&draft, SPAN("e"), &gone[i], SPAN(""));
    draft_tag_pair(&draft, SPAN("k"), SPAN("7375"));
    bool ok = pen_sign(&writing->pen, &event, &draft, err) && pen_put(&writing->pen, &event, err);
    draft_clear(&draft);
    return ok;
}

/* Those of the same mint and unit, and what they come to. */
struct before {
    struct bytes32 ids[EVENTS_MAX];
    uint32_t id_count;
    uint64_t sum;
    uint64_t coins, known; /* known: of those that there are now */
};

static bool is_among(const struct token *token, const struct token_proof *proof)
{
    for (uint32_t i = 0; i < token->count; i++)
        if (span_eq(token->proofs[i].secret, proof->secret))
            return true;
    return false;
}

static void look_before(struct writing *writing, struct before *before, const struct token *now)
{
    struct stash_coins coins;
    *before = (struct before){0};
    for (size_t i = 0; i < writing->kept.count; i++) {
        if (!stash_read_coins(&coins, &writing->kept.arena, writing->kept.at[i].plain, NULL) ||
            !span_eq(coins.token.mint, now->mint) || !span_eq(coins.token.unit, now->unit))
            continue;
        before->ids[before->id_count++] = writing->kept.at[i].id;
        for (uint32_t k = 0; k < coins.token.count; k++) {
            before->sum += coins.token.proofs[k].amount;
            before->coins++;
            before->known += is_among(now, &coins.token.proofs[k]);
        }
    }
}

static bool put_coins(struct writing *writing, struct bytes32 *first, const struct token *now,
                      const struct before *before, struct err *err)
{
    for (uint32_t at = 0; at < now->count; at += COINS_MAX) {
        struct text plain = {0};
        struct bytes32 id;
        struct stash_coins coins = {.token = *now};
        uint32_t left = now->count - at;
        coins.token.proofs = now->proofs + at;
        coins.token.count = left < COINS_MAX ? left : COINS_MAX;
        coins.gone = before->ids;
        coins.gone_count = at == 0 ? before->id_count : 0;
        stash_write_coins(&plain, &coins);
        if (!put(writing, &id, KIND_WALLET_COINS, &plain, err))
            return false;
        if (at == 0)
            *first = id;
    }
    return true;
}

static bool put_move(struct writing *writing, const struct bytes32 *made, const struct token *now,
                     const struct before *before, struct err *err)
{
    struct text plain = {0};
    struct bytes32 id;
    uint64_t sum;
    if (!token_sum(&sum, now))
        return err_set(err, ERR_INVALID, "more credit than can be counted");
    const struct stash_move move = {.is_in = sum > before->sum,
                                    .amount =
                                        sum > before->sum ? sum - before->sum : before->sum - sum,
                                    .unit = now->unit,
                                    .made = now->count > 0 ? made : NULL,
                                    .gone = before->ids,
                                    .gone_count = before->id_count};
    if (move.amount == 0)
        return true;
    stash_write_move(&plain, &move);
    return put(writing, &id, KIND_WALLET_HISTORY, &plain, err);
}

static bool stash_unit(struct writing *writing, const struct purse_balance *balance,
                       struct err *err)
{
    const struct purse_mint mint = {.number = balance->mint, .url = balance->url};
    struct token now;
    struct before before;
    struct bytes32 first = {{0}};
    if (!purse_stash(writing->pocket->trade.purse, &now, &writing->pen.arena, &mint, balance->unit,
                     err))
        return false;
    look_before(writing, &before, &now);
    if (before.coins == now.count && before.known == now.count)
        return true;
    return put_coins(writing, &first, &now, &before, err) &&
           (before.id_count == 0 || delete_coins(writing, before.ids, before.id_count, err)) &&
           put_move(writing, &first, &now, &before, err);
}

static bool stash_mints(struct writing *writing, struct err *err)
{
    struct purse *purse = writing->pocket->trade.purse;
    struct arena *arena = &writing->pen.arena;
    struct stash_wallet wallet = {.has_key = true};
    struct purse_mint *mints;
    struct kept_list list;
    struct text plain = {0};
    struct bytes33 lock;
    struct bytes32 id;
    size_t count;
    if (!purse_mints(purse, &mints, &count, arena, err))
        return false;
    struct span *urls = arena_array(arena, struct span, count);
    for (size_t i = 0; i < count && i < STASH_MINTS_MAX; i++)
        urls[wallet.mint_count++] = mints[i].url;
    wallet.mints = urls;
    wallet_lock_key(&wallet.key, &lock, purse_seed(purse));
    stash_write_wallet(&plain, &wallet);
    secret_wipe(&wallet.key, sizeof wallet.key);
    bool ok = read_kept(writing->pocket, &list, KIND_WALLET, err);
    bool is_same = ok && list.count > 0 && span_eq(list.at[0].plain, text_span(&plain));
    ok = ok && (is_same || count == 0 || put(writing, &id, KIND_WALLET, &plain, err));
    if (plain.at != NULL)
        secret_wipe(plain.at, plain.capacity);
    text_clear(&plain);
    arena_clear(&list.arena);
    return ok;
}

static bool stash_all(struct writing *writing, struct err *err)
{
    struct purse_balance *balances;
    size_t count;
    if (!stash_mints(writing, err) ||
        !purse_balances(writing->pocket->trade.purse, &balances, &count, &writing->pen.arena, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!stash_unit(writing, &balances[i], err))
            return false;
    return true;
}

/* Read, decided and written as one. */
bool pocket_stash(struct pocket *pocket, struct err *err)
{
    struct writing writing = {.pocket = pocket,
                              .pen = {.call = pocket->call,
                                      .store = pocket->store,
                                      .holder = pocket->holder,
                                      .now_ms = home_now()}};
    struct span *relays = NULL;
    if (!store_begin(pocket->store, err))
        return false;
    bool ok = home_relays(pocket->store, &relays, &writing.pen.relay_count, &writing.pen.arena,
                          pocket->call, err);
    writing.pen.relays = relays;
    ok = ok && read_kept(pocket, &writing.kept, KIND_WALLET_COINS, err) &&
         stash_all(&writing, err) && store_commit(pocket->store, err);
    if (!ok)
        store_rollback(pocket->store);
    arena_clear(&writing.kept.arena);
    arena_clear(&writing.pen.arena);
    return ok;
}

static bool note_one(void *owner, const struct catalog_event *event)
{
    (void)event;
    *(bool *)owner = true;
    return true;
}

bool pocket_is_stashed(const struct pocket *pocket, bool *is_it, struct err *err)
{
    static const uint16_t kind = KIND_WALLET_COINS;
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = 1,
                                  .authors = {1, holder_pubkey(pocket->holder)},
                                  .kinds = {1, &kind}};
    *is_it = false;
    return catalog_each(pocket->store, &filter, note_one, is_it, err);
}

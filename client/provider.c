#include "client/provider.h"

#include <sodium.h>

#include "client/holder.h"
#include "client/secret.h"
#include "client/sql.h"
#include "client/store.h"
#include "client/teller.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/text.h"

/* ---- what is given ---- */

static bool is_name(struct span word, size_t max)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.at[i] <= ' ' || word.at[i] > '~')
            return false;
    return word.len > 0 && word.len <= max;
}

static bool read_price(uint64_t *price, struct span word)
{
    return number_hundredths(price, word) && *price <= OFFER_PRICE_MAX;
}

bool provider_read_model(struct provider_model *model, struct span word, struct err *err)
{
    size_t end = word.len;
    *model = (struct provider_model){.name = word};
    while (end > 0 && word.at[end - 1] != '=')
        end--;
    if (end > 0) {
        struct span prices = {word.at + end, word.len - end};
        const char *slash = memchr(prices.at, '/', prices.len);
        size_t len = slash != NULL ? (size_t)(slash - prices.at) : 0;
        if (slash == NULL || !read_price(&model->price.in, (struct span){prices.at, len}) ||
            !read_price(&model->price.out, (struct span){slash + 1, prices.len - len - 1}))
            return err_set(err, ERR_INVALID,
                           "expected MODEL=IN/OUT in credits for a million tokens");
        model->price.cached = model->price.in;
        model->name.len = end - 1;
    }
    return is_name(model->name, PLEA_MODEL_BYTES_MAX) ||
           err_set(err, ERR_INVALID, "expected a model's name, without spaces");
}

bool provider_check(const struct provider *provider, struct err *err)
{
    if (!is_name(provider->name, PROVIDER_NAME_BYTES_MAX))
        return err_set(err, ERR_INVALID, "expected a name of at most %d letters, without spaces",
                       PROVIDER_NAME_BYTES_MAX);
    if (!teller_takes(provider->url) || provider->url.len > PROVIDER_URL_BYTES_MAX ||
        memcmp(provider->url.at, "http", 4) != 0)
        return err_set(err, ERR_INVALID,
                       "expected https://..., or http:// of this machine or .onion");
    if (provider->per_minute > PROVIDER_RATE_MAX)
        return err_set(err, ERR_INVALID, "at most %d requests a minute", PROVIDER_RATE_MAX);
    return (provider->model_count > 0 && provider->model_count <= PROVIDER_MODELS_MAX) ||
           err_set(err, ERR_INVALID, "1 to %d models", PROVIDER_MODELS_MAX);
}

/* ---- the store ---- */

static int64_t limit_of(uint64_t amount)
{
    return amount <= INT64_MAX ? (int64_t)amount : -1;
}

static uint64_t amount_of(int64_t limit)
{
    return limit >= 0 ? (uint64_t)limit : RATION_NO_LIMIT;
}

static bool check_room(struct sql *sql, struct span name, struct err *err)
{
    int64_t count;
    return sql_number(sql, &count, 0, err, "SELECT count(*) FROM provider WHERE name <> ?", "s",
                      name) &&
           (count < PROVIDER_COUNT_MAX ||
            err_set(err, ERR_RATE_LIMITED, "over %d providers", PROVIDER_COUNT_MAX));
}

static bool put_all(struct sql *sql, const struct provider *provider, struct err *err)
{
    if (!check_room(sql, provider->name, err) ||
        !sql_run(sql, err,
                 "INSERT OR REPLACE INTO provider(name, url, idiom, sealed, per_minute, day,"
                 " request) VALUES (?, ?, ?, ?, ?, ?, ?)",
                 "ssisiii", provider->name, provider->url, (int64_t)provider->idiom,
                 provider->sealed.at != NULL ? provider->sealed : SPAN(""),
                 (int64_t)provider->per_minute, limit_of(provider->ration.day),
                 limit_of(provider->ration.request)) ||
        !sql_run(sql, err, "DELETE FROM provider_model WHERE provider = ?", "s", provider->name))
        return false;
    for (size_t i = 0; i < provider->model_count; i++)
        if (!sql_run(sql, err,
                     "INSERT OR REPLACE INTO provider_model(provider, model, price_in, price_out)"
                     " VALUES (?, ?, ?, ?)",
                     "ssii", provider->name, provider->models[i].name,
                     (int64_t)provider->models[i].price.in, (int64_t)provider->models[i].price.out))
            return false;
    return true;
}

bool provider_put(struct store *store, const struct provider *provider, struct err *err)
{
    if (!provider_check(provider, err) || !store_begin(store, err))
        return false;
    if (put_all(store_sql(store), provider, err))
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

bool provider_remove(struct store *store, bool *was_there, struct span name, struct err *err)
{
    struct sql *sql = store_sql(store);
    if (!store_begin(store, err))
        return false;
    bool ok = sql_run(sql, err, "DELETE FROM provider_model WHERE provider = ?", "s", name) &&
              sql_run(sql, err, "DELETE FROM provider WHERE name = ?", "s", name);
    *was_there = ok && sql_changes(sql) > 0;
    if (ok)
        return store_commit(store, err);
    store_rollback(store);
    return false;
}

static void read_model(struct provider_model *model, struct arena *arena, struct sqlite3_stmt *row)
{
    uint64_t in = (uint64_t)sql_int(row, 1);
    *model = (struct provider_model){
        .name = arena_copy(arena, sql_text(row, 0)),
        .price = {.in = in, .cached = in, .out = (uint64_t)sql_int(row, 2)}};
}

static bool find_models(struct sql *sql, struct provider *provider, struct arena *arena,
                        struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    if (!sql_start(sql, &row, err,
                   "SELECT model, price_in, price_out FROM provider_model WHERE provider = ?"
                   " ORDER BY model",
                   "s", provider->name))
        return false;
    while (sql_next(sql, row, &is_row, err)) {
        if (!is_row)
            return true;
        provider->models =
            arena_grow(arena, struct provider_model, provider->models, provider->model_count);
        read_model(&provider->models[provider->model_count++], arena, row);
    }
    return false;
}

static void read_provider(struct provider *provider, struct arena *arena, struct sqlite3_stmt *row)
{
    int64_t idiom = sql_int(row, 2);
    *provider = (struct provider){
        .name = arena_copy(arena, sql_text(row, 0)),
        .url = arena_copy(arena, sql_text(row, 1)),
        .idiom = idiom >= 0 && idiom < IDIOM_COUNT ? (enum idiom)idiom : IDIOM_OPENAI,
        .sealed = arena_copy(arena, sql_text(row, 3)),
        .per_minute = (uint32_t)sql_int(row, 4),
        .ration = {.day = amount_of(sql_int(row, 5)), .request = amount_of(sql_int(row, 6))}};
}

static bool find_providers(struct sql *sql, struct provider **providers, size_t *count,
                           struct arena *arena, struct err *err)
{
    struct sqlite3_stmt *row;
    bool is_row;
    *providers = NULL;
    *count = 0;
    if (!sql_start(sql, &row, err,
                   "SELECT name, url, idiom, sealed, per_minute, day, request FROM provider"
                   " ORDER BY name",
                   ""))
        return false;
    while (sql_next(sql, row, &is_row, err)) {
        if (!is_row)
            return true;
        *providers = arena_grow(arena, struct provider, *providers, *count);
        read_provider(&(*providers)[(*count)++], arena, row);
    }
    return false;
}

bool provider_list(struct store *store, struct provider **providers, size_t *count,
                   struct arena *arena, struct err *err)
{
    struct sql *sql = store_sql(store);
    if (!find_providers(sql, providers, count, arena, err))
        return false;
    for (size_t i = 0; i < *count; i++)
        if (!find_models(sql, &(*providers)[i], arena, err))
            return false;
    return true;
}

/* ---- the key ---- */

bool provider_seal(struct span *sealed, struct arena *arena, const struct holder *holder,
                   struct span key, struct err *err)
{
    struct text text = {0};
    struct bytes32 nonce;
    if (!is_name(key, PROVIDER_KEY_BYTES_MAX))
        return err_set(err, ERR_INVALID, "expected a key of at most %d letters, without spaces",
                       PROVIDER_KEY_BYTES_MAX);
    randombytes_buf(&nonce, sizeof nonce);
    bool ok = holder_seal(holder, &text, holder_pubkey(holder), key, &nonce, err);
    *sealed = ok ? arena_copy(arena, text_span(&text)) : (struct span){0};
    text_clear(&text);
    return ok;
}

char *provider_open(const struct provider *provider, const struct holder *holder, struct err *err)
{
    char *key = secret_new(PROVIDER_KEY_BYTES_MAX + 1);
    struct text plain = {0};
    bool ok = provider->sealed.len == 0 ||
              holder_open(holder, &plain, holder_pubkey(holder), provider->sealed, err);
    if (ok && plain.len > PROVIDER_KEY_BYTES_MAX)
        ok = err_set(err, ERR_INVALID, "what is sealed as a key is none");
    if (ok && plain.len > 0)
        memcpy(key, plain.at, plain.len);
    if (plain.at != NULL)
        secret_wipe(plain.at, plain.capacity);
    text_clear(&plain);
    if (ok)
        return key;
    secret_free(key);
    return NULL;
}

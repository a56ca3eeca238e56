#include "client/deed.h"

#include "client/sql.h"
#include "client/store.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/scan.h"
#include "shared/sig.h"

enum { DIGITS_MIN = 4, DIGITS_MAX = 64 };

bool deed_keep(struct store *store, const struct deed *deed, const struct event *event,
               const struct receipt *receipt, struct err *err)
{
    return sql_run(store_sql(store), err,
                   "INSERT OR IGNORE INTO deed(id, job, made_at, prompt, tokens, seed, tokens_max,"
                   " receipt) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                   "bbissiis", &event->id, &receipt->job, event->created_at, deed->prompt,
                   deed->tokens, (int64_t)deed->seed, (int64_t)deed->tokens_max, deed->receipt);
}

static void read_deed(void *item, struct arena *arena, struct sqlite3_stmt *row)
{
    *(struct deed *)item = (struct deed){.prompt = arena_copy(arena, sql_text(row, 0)),
                                         .tokens = arena_copy(arena, sql_text(row, 1)),
                                         .seed = (uint64_t)sql_int(row, 2),
                                         .tokens_max = (uint32_t)sql_int(row, 3),
                                         .receipt = arena_copy(arena, sql_text(row, 4))};
}

static bool is_hex(struct span digits)
{
    for (size_t i = 0; i < digits.len; i++)
        if ((digits.at[i] < '0' || digits.at[i] > '9') &&
            (digits.at[i] < 'a' || digits.at[i] > 'f'))
            return false;
    return digits.len >= DIGITS_MIN && digits.len <= DIGITS_MAX;
}

bool deed_find(struct store *store, struct deed *deed, struct arena *arena, struct span digits,
               struct err *err)
{
    struct sqlite3_stmt *row;
    struct sql_list list = {0};
    int64_t jobs;
    if (!is_hex(digits))
        return err_set(err, ERR_INVALID, "expected the id of a job, 4 hex digits of it at least");
    if (!sql_number(store_sql(store), &jobs, 0, err,
                    "SELECT count(DISTINCT job) FROM deed WHERE hex(job) LIKE ?1 || '%'"
                    " OR hex(id) LIKE ?1 || '%'",
                    "s", digits))
        return false;
    if (jobs != 1)
        return err_set(err, ERR_INVALID,
                       jobs == 0 ? "no answer of that id is kept here" : "several jobs begin so");
    if (!sql_start(store_sql(store), &row, err,
                   "SELECT prompt, tokens, seed, tokens_max, receipt FROM deed WHERE hex(job) LIKE"
                   " ?1 || '%' OR hex(id) LIKE ?1 || '%' ORDER BY made_at DESC, id LIMIT 1",
                   "s", digits) ||
        !sql_list(store_sql(store), &list, arena, row,
                  (struct sql_item){sizeof(struct deed), read_deed}, err))
        return false;
    *deed = *(const struct deed *)list.at;
    return true;
}

static bool hash_tokens(struct bytes32 *hash, uint32_t *count, struct span json, struct err *err)
{
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct arena arena = {0};
    uint32_t *tokens = NULL;
    int64_t token;
    *count = 0;
    bool ok = scan_array(&scan, &list, err);
    while (ok && list.more) {
        ok = scan_integer(&scan, &token, UINT32_MAX, err) && scan_next(&scan, &list, err);
        tokens = arena_grow(&arena, uint32_t, tokens, *count);
        if (ok)
            tokens[(*count)++] = (uint32_t)token;
    }
    *hash = receipt_hash_tokens(tokens, *count);
    arena_clear(&arena);
    return ok && scan_end(&scan, err);
}

bool deed_check(const struct receipt *receipt, struct span tokens, uint64_t seed, struct err *err)
{
    struct bytes32 agreed = {{0}}, hash;
    uint32_t count;
    for (int i = 0; i < 8; i++)
        agreed.at[i] = (uint8_t)(seed >> 8 * i);
    hash = sig_sha256(SPAN_OF(agreed));
    if (memcmp(&hash, &receipt->seed, sizeof hash) != 0)
        return err_set(err, ERR_INVALID, "the receipt is of another seed than was agreed");
    if (tokens.len == 0)
        return true;
    if (!hash_tokens(&hash, &count, tokens, err))
        return false;
    return (memcmp(&hash, &receipt->tokens, sizeof hash) == 0 && count == receipt->output_tokens) ||
           err_set(err, ERR_INVALID, "the receipt is of other tokens than came");
}

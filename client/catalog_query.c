/* catalog_query.c - a NIP-01 filter as SQL. All conditions are decided by SQL; values are written
 * out as bytes in hex, so that nothing in them is read as SQL. */
#include "client/catalog_parts.h"
#include "client/sql.h"
#include "client/store_parts.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/text.h"

enum { HEX_CHARS = 64 };

static void add_blob(struct text *out, struct span bytes)
{
    text_add(out, SPAN("x'"));
    text_add_hex(out, (const uint8_t *)bytes.at, bytes.len);
    text_add(out, SPAN("'"));
}

static void add_keys(struct text *out, const char *column, const struct filter_keys *keys)
{
    if (keys->count == 0)
        return;
    text_addf(out, " AND %s IN (", column);
    for (uint32_t i = 0; i < keys->count; i++) {
        text_add(out, i > 0 ? SPAN(",") : SPAN(""));
        add_blob(out, SPAN_OF(keys->at[i]));
    }
    text_add(out, SPAN(")"));
}

/* Ids by the log's index. */
static void add_ids(struct text *out, const struct filter_keys *ids)
{
    if (ids->count == 0)
        return;
    text_add(out, SPAN(" AND h IN ("));
    for (uint32_t i = 0; i < ids->count; i++)
        text_addf(out, "%s%lld", i > 0 ? "," : "", (long long)store_hash_of(&ids->at[i]));
    text_add(out, SPAN(")"));
    add_keys(out, "id", ids);
}

static void add_kinds(struct text *out, const struct filter_kinds *kinds)
{
    if (kinds->count == 0)
        return;
    text_add(out, SPAN(" AND kind IN ("));
    for (uint32_t i = 0; i < kinds->count; i++)
        text_addf(out, "%s%u", i > 0 ? "," : "", kinds->at[i]);
    text_add(out, SPAN(")"));
}

/* As the tables hold tags: what is 64 hex digits as bytes, under a name of two letters. */
static void add_tag(struct text *out, const struct filter_tag *tag)
{
    text_add(out, SPAN(" AND event.n IN (SELECT n FROM tag WHERE (name, value) IN (VALUES "));
    for (uint32_t i = 0; i < tag->count; i++) {
        struct bytes32 bytes;
        bool is_hex = tag->values[i].len == HEX_CHARS &&
                      hex_decode(bytes.at, sizeof bytes.at, tag->values[i]);
        text_addf(out, "%s('%c%s',", i > 0 ? "," : "", tag->letter, is_hex ? "x" : "");
        add_blob(out, is_hex ? SPAN_OF(bytes) : tag->values[i]);
        text_add(out, SPAN(")"));
    }
    text_add(out, SPAN("))"));
}

static void write_query(struct text *out, const struct filter *filter)
{
    text_addf(out,
              "SELECT id, pk, kind, ts, root, body, is_withheld FROM event JOIN log USING (n)"
              " WHERE ts BETWEEN %lld AND %lld AND NOT is_redacted"
              " AND NOT EXISTS (SELECT 1 FROM quarantine WHERE quarantine.n = event.n)",
              (long long)filter->since, (long long)filter->until);
    add_ids(out, &filter->ids);
    add_keys(out, "pk", &filter->authors);
    add_kinds(out, &filter->kinds);
    for (uint32_t i = 0; i < filter->tag_count; i++)
        add_tag(out, &filter->tags[i]);
    text_add(out, SPAN(" ORDER BY ts DESC, id"));
    if (filter->limit != FILTER_NO_LIMIT)
        text_addf(out, " LIMIT %lld", (long long)filter->limit);
}

static bool read(struct sql *sql, struct sqlite3_stmt *row, catalog_fn *fn, void *owner,
                 struct err *err)
{
    bool is_row;
    while (true) {
        if (!sql_next(sql, row, &is_row, err))
            return false;
        if (!is_row)
            return true;
        const struct catalog_event event = {.id = sql_id(row, 0),
                                            .author = sql_id(row, 1),
                                            .kind = (uint16_t)sql_int(row, 2),
                                            .created_at = sql_int(row, 3),
                                            .has_root = sql_text(row, 4).len > 0,
                                            .root = sql_id(row, 4),
                                            .json = sql_text(row, 5),
                                            .is_withheld = sql_int(row, 6) != 0};
        if (!fn(owner, &event))
            return true;
    }
}

bool catalog_each(struct store *store, const struct filter *filter, catalog_fn *fn, void *owner,
                  struct err *err)
{
    struct sqlite3_stmt *row;
    struct text query = {0};
    if (filter->matches_nothing)
        return true;
    if (!catalog_settle(store, err))
        return false;
    write_query(&query, filter);
    bool ok = sql_once(store->sql, &row, text_span(&query), err);
    text_clear(&query);
    if (!ok)
        return false;
    ok = read(store->sql, row, fn, owner, err);
    sql_drop(row);
    return ok;
}

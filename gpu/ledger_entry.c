/* The journal: what each request has moved. Written with it, never changed: the tables' sums can be
 * held against it. */
#include <endian.h>

#include "gpu/ledger_melt_parts.h"
#include "shared/sig.h"

struct bytes32 ledger_name_step(const struct uuid *quote, enum entry_kind kind, uint32_t attempt)
{
    struct {
        uint8_t quote[16];
        uint32_t kind, attempt;
    } name = {.kind = htobe32((uint32_t)kind), .attempt = htobe32(attempt)};
    memcpy(name.quote, quote, sizeof name.quote);
    return sig_sha256(SPAN_OF(name));
}

struct query ledger_write_entries(const struct bytes32 *request, enum entry_kind kind,
                                  const struct tally *tally, int64_t now)
{
    /* By kind: whether what goes in is spent, and which way it changes what is held. */
    static const struct {
        int64_t spent, held;
    } ways[] = {[ENTRY_ISSUE] = {0, 0},
                [ENTRY_SWAP] = {1, 0},
                [ENTRY_HOLD] = {0, 1},
                [ENTRY_SETTLE] = {1, -1},
                [ENTRY_CANCEL] = {0, -1}};
    int64_t numbers[TALLY_KEYSETS_MAX];
    int64_t issued[TALLY_KEYSETS_MAX];
    int64_t spent[TALLY_KEYSETS_MAX];
    int64_t held[TALLY_KEYSETS_MAX];
    for (uint32_t i = 0; i < tally->count; i++) {
        const struct tally_row *row = &tally->rows[i];
        numbers[i] = row->keyset.number;
        issued[i] = (int64_t)row->out;
        spent[i] = ways[kind].spent * (int64_t)row->in;
        held[i] = ways[kind].held * (int64_t)row->in;
    }
    struct query query = query_of(
        "INSERT INTO entry (request, keyset, kind, issued, spent, held, at)"
        " SELECT $1::bytea, u.keyset::int2, $2::int8::int2, u.issued, u.spent, u.held, $3::int8"
        " FROM unnest($4::int8[], $5::int8[], $6::int8[], $7::int8[])"
        " AS u (keyset, issued, spent, held)"
        " ON CONFLICT DO NOTHING"); /* of a copy of a request, which is found out and undone */
    query_bytes(&query, SPAN_OF(*request));
    query_number(&query, kind);
    query_number(&query, now);
    query_numbers(&query, numbers, tally->count);
    query_numbers(&query, issued, tally->count);
    query_numbers(&query, spent, tally->count);
    query_numbers(&query, held, tally->count);
    return query;
}

bool ledger_is_done(struct transaction *transaction, const struct bytes32 *request, bool *is_done,
                    struct fault *fault)
{
    struct query query = query_of("SELECT count(*) FROM entry e WHERE e.request = $1::bytea"
                                  " AND e.xmin <> pg_current_xact_id()::xid");
    query_bytes(&query, SPAN_OF(*request));
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(fault);
    *is_done = answer_number(rows, 0, 0) > 0;
    return true;
}

/* Proofs and promises: their rows. */
#include <stdlib.h>

#include "gpu/ledger_parts.h"

static int compare_proofs(const void *a, const void *b)
{
    const struct ledger_proof *one = a;
    const struct ledger_proof *other = b;
    return memcmp(&one->y, &other->y, sizeof one->y);
}

static int compare_promises(const void *a, const void *b)
{
    const struct ledger_promise *one = a;
    const struct ledger_promise *other = b;
    return memcmp(&one->message, &other->message, sizeof one->message);
}

const struct ledger_proof *ledger_sort_proofs(struct arena *arena, const struct ledger_proof *at,
                                              uint32_t count)
{
    struct ledger_proof *sorted = arena_array(arena, struct ledger_proof, count);
    if (count == 0)
        return sorted;
    memcpy(sorted, at, count * sizeof *at);
    qsort(sorted, count, sizeof *at, compare_proofs);
    return sorted;
}

const struct ledger_promise *ledger_sort_promises(struct arena *arena,
                                                  const struct ledger_promise *at, uint32_t count)
{
    struct ledger_promise *sorted = arena_array(arena, struct ledger_promise, count);
    if (count == 0)
        return sorted;
    memcpy(sorted, at, count * sizeof *at);
    qsort(sorted, count, sizeof *at, compare_promises);
    return sorted;
}

/* Numbers of an array's elements, as an array of their own. */
struct numbers {
    int64_t at[LEDGER_LIST_MAX];
};

struct query ledger_insert_proofs(const struct ledger_proof *at, uint32_t count,
                                  const struct uuid *quote)
{
    struct query query = query_of(
        "INSERT INTO proof (y, amount, keyset, spent, quote, witness)"
        " SELECT u.y, u.amount, u.keyset::int2, $5::uuid IS NULL, $5::uuid,"
        " nullif(u.witness, '') FROM unnest($1::bytea[], $2::int8[], $3::int8[], $4::bytea[])"
        " AS u (y, amount, keyset, witness) ON CONFLICT DO NOTHING");
    struct numbers amounts, keysets;
    for (uint32_t i = 0; i < count; i++) {
        amounts.at[i] = (int64_t)at[i].amount;
        keysets.at[i] = at[i].keyset;
    }
    query_pieces(&query, &at->y, sizeof at->y, sizeof *at, count);
    query_numbers(&query, amounts.at, count);
    query_numbers(&query, keysets.at, count);
    query_spans(&query, &at->witness, sizeof *at, count);
    if (quote != NULL)
        query_bytes(&query, SPAN_OF(*quote));
    else
        query_null(&query);
    return query;
}

struct query ledger_insert_promises(const struct ledger_promise *at, uint32_t count)
{
    struct query query = query_of(
        "INSERT INTO promise (b, amount, keyset, c, e, s)"
        " SELECT u.b, u.amount, u.keyset::int2, u.c, u.e, u.s"
        " FROM unnest($1::bytea[], $2::int8[], $3::int8[], $4::bytea[], $5::bytea[], $6::bytea[])"
        " AS u (b, amount, keyset, c, e, s) ON CONFLICT DO NOTHING");
    struct numbers amounts, keysets;
    for (uint32_t i = 0; i < count; i++) {
        amounts.at[i] = (int64_t)at[i].amount;
        keysets.at[i] = at[i].keyset;
    }
    query_pieces(&query, &at->message, sizeof at->message, sizeof *at, count);
    query_numbers(&query, amounts.at, count);
    query_numbers(&query, keysets.at, count);
    query_pieces(&query, &at->signature, sizeof at->signature, sizeof *at, count);
    query_pieces(&query, &at->dleq.e, sizeof at->dleq.e, sizeof *at, count);
    query_pieces(&query, &at->dleq.s, sizeof at->dleq.s, sizeof *at, count);
    return query;
}

bool ledger_explain_proofs(struct transaction *transaction, const struct ledger_proof *at,
                           uint32_t count, struct fault *fault)
{
    /* Our own rows are of this transaction, which will be undone. */
    struct query query =
        query_of("SELECT coalesce(bool_or(p.spent), false) FROM proof p"
                 " WHERE p.y = ANY ($1::bytea[]) AND p.xmin <> pg_current_xact_id()::xid");
    query_pieces(&query, &at->y, sizeof at->y, sizeof *at, count);
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(fault);
    if (answer_number(rows, 0, 0) != 0)
        return fault_set(fault, FAULT_PROOF_SPENT, "Token already spent.");
    return fault_set(fault, FAULT_PROOF_PENDING, "Token is pending.");
}

bool ledger_explain_promises(struct transaction *transaction, const struct bytes33 *first,
                             size_t stride, uint32_t count, struct fault *fault)
{
    struct query query =
        query_of("SELECT coalesce(bool_or(p.c IS NOT NULL), false) FROM promise p"
                 " WHERE p.b = ANY ($1::bytea[]) AND p.xmin <> pg_current_xact_id()::xid");
    query_pieces(&query, first, sizeof *first, stride, count);
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(fault);
    if (answer_number(rows, 0, 0) != 0)
        return fault_set(fault, FAULT_OUTPUT_SIGNED, "an output has been signed before");
    return fault_set(fault, FAULT_OUTPUT_PENDING, "an output is held for another quote");
}

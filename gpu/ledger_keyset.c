/* Keysets: which there are, and rotation. */
#include "gpu/ledger_parts.h"

struct listing {
    struct arena *arena;
    const struct ledger_keyset *keysets;
    uint32_t count;
    struct fault *fault;
};

static bool read_keyset(struct ledger_keyset *keyset, const PGresult *rows, int row)
{
    *keyset = (struct ledger_keyset){
        .number = (int16_t)answer_number(rows, row, 0),
        .index = (uint32_t)answer_number(rows, row, 3),
        .input_fee_ppk = (uint32_t)answer_number(rows, row, 4),
        .final_expiry = answer_number(rows, row, 5),
        .is_active = answer_number(rows, row, 6) != 0,
    };
    struct span unit = answer_bytes(rows, row, 2);
    if (unit.len > LEDGER_UNIT_MAX)
        return false;
    memcpy(keyset->unit, unit.at, unit.len);
    return answer_copy(keyset->id.at, sizeof keyset->id.at, rows, row, 1);
}

bool ledger_keysets_in(struct transaction *transaction, struct arena *arena,
                       const struct ledger_keyset **keysets, uint32_t *count, struct fault *fault)
{
    struct query query = query_of("SELECT k.number, k.id, k.unit, k.seed_index, k.fee_ppk,"
                                  " k.final_expiry, k.active FROM keyset k ORDER BY k.number"
                                  " LIMIT $1::int8");
    query_number(&query, LEDGER_KEYSETS_MAX);
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(fault);
    *count = (uint32_t)PQntuples(rows);
    struct ledger_keyset *all = arena_array(arena, struct ledger_keyset, *count);
    *keysets = all;
    for (uint32_t i = 0; i < *count; i++)
        if (!read_keyset(&all[i], rows, (int)i))
            return fault_set(fault, FAULT_OURS, "a keyset's row is not what it should be");
    return true;
}

static bool list(struct transaction *transaction, void *argument)
{
    struct listing *listing = argument;
    return ledger_keysets_in(transaction, listing->arena, &listing->keysets, &listing->count,
                             listing->fault);
}

bool ledger_keysets(struct ledger *ledger, struct arena *arena,
                    const struct ledger_keyset **keysets, uint32_t *count, struct fault *fault)
{
    struct listing listing = {.arena = arena, .fault = fault};
    bool is_done = ledger_read(ledger, list, &listing, fault);
    *keysets = listing.keysets;
    *count = is_done ? listing.count : 0;
    return is_done;
}

struct adding {
    struct ledger_keyset *keyset;
    struct fault *fault;
};

/* The next number and the next index of the unit; what is there under the same id. */
static const PGresult *look(struct transaction *transaction, const struct ledger_keyset *keyset)
{
    const PGresult *answers[2];
    struct query queries[] = {
        query_of("LOCK TABLE keyset IN SHARE ROW EXCLUSIVE MODE"),
        query_of("SELECT coalesce(max(k.number), 0)::int8 + 1,"
                 " coalesce(max(k.seed_index) FILTER (WHERE k.unit = $1::text), -1)::int8 + 1,"
                 " max(k.number) FILTER (WHERE k.id = $2::bytea)::int8,"
                 " coalesce(bool_or(k.active) FILTER (WHERE k.id = $2::bytea), false)"
                 " FROM keyset k")};
    query_text(&queries[1], keyset->unit);
    query_bytes(&queries[1], SPAN_OF(keyset->id));
    return transaction_ask_all(transaction, queries, ARRAY_LEN(queries), answers) ? answers[1]
                                                                                  : NULL;
}

static bool put_down(struct transaction *transaction, const struct ledger_keyset *keyset,
                     struct fault *fault)
{
    const PGresult *answers[2];
    struct query queries[] = {
        query_of("UPDATE keyset SET active = false,"
                 " retired_at = extract(epoch FROM clock_timestamp())::int8"
                 " WHERE unit = $1::text AND active"),
        query_of("INSERT INTO keyset (number, id, unit, seed_index, fee_ppk, final_expiry, active)"
                 " VALUES ($1::int8::int2, $2::bytea, $3::text, $4::int8::int4, $5::int8::int4,"
                 " $6::int8, true)")};
    query_text(&queries[0], keyset->unit);
    query_number(&queries[1], keyset->number);
    query_bytes(&queries[1], SPAN_OF(keyset->id));
    query_text(&queries[1], keyset->unit);
    query_number(&queries[1], keyset->index);
    query_number(&queries[1], keyset->input_fee_ppk);
    query_number(&queries[1], keyset->final_expiry);
    return transaction_ask_all(transaction, queries, ARRAY_LEN(queries), answers) ||
           ledger_lost(fault);
}

static bool add_keyset(struct transaction *transaction, void *argument)
{
    const struct adding *adding = argument;
    struct ledger_keyset *keyset = adding->keyset;
    const PGresult *rows = look(transaction, keyset);
    if (rows == NULL)
        return ledger_lost(adding->fault);
    if (!PQgetisnull(rows, 0, 2)) {
        keyset->number = (int16_t)answer_number(rows, 0, 2);
        keyset->is_active = answer_number(rows, 0, 3) != 0;
        return true;
    }
    int64_t number = answer_number(rows, 0, 0);
    if (number > LEDGER_KEYSETS_MAX)
        return fault_set(adding->fault, FAULT_OURS, "more than %d keysets", LEDGER_KEYSETS_MAX);
    if (answer_number(rows, 0, 1) != keyset->index)
        return fault_set(adding->fault, FAULT_KEYSET_INACTIVE, "the next keyset of %s is number %d",
                         keyset->unit, (int)answer_number(rows, 0, 1));
    keyset->number = (int16_t)number;
    keyset->is_active = true;
    return put_down(transaction, keyset, adding->fault);
}

bool ledger_keyset_add(struct ledger *ledger, struct ledger_keyset *keyset, struct fault *fault)
{
    struct adding adding = {.keyset = keyset, .fault = fault};
    return ledger_run(ledger, add_keyset, &adding, fault);
}

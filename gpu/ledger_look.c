/* What a wallet asks: states of proofs (NUT-07), and what was signed (NUT-09). */
#include "gpu/ledger_parts.h"

struct looking {
    struct arena *arena;
    const struct bytes33 *points;
    uint32_t count;
    const char *sql;
    const PGresult *rows;
    bool (*read)(struct looking *looking);
    struct ledger_seen *seen;
    struct ledger_promise *promises;
    uint32_t found;
    struct fault *fault;
};

static bool look(struct transaction *transaction, void *argument)
{
    struct looking *looking = argument;
    struct query query = query_of(looking->sql);
    query_points(&query, looking->points, looking->count);
    looking->rows = transaction_ask(transaction, &query);
    return looking->rows == NULL ? ledger_lost(looking->fault) : looking->read(looking);
}

/* The place in the list that the row is for, from 1 in its first column. */
static uint32_t place_of(const struct looking *looking, int row)
{
    uint32_t place = (uint32_t)answer_number(looking->rows, row, 0) - 1;
    return place < looking->count ? place : 0;
}

static bool read_states(struct looking *looking)
{
    looking->seen = arena_array(looking->arena, struct ledger_seen, looking->count);
    for (int i = 0; i < PQntuples(looking->rows); i++) {
        struct ledger_seen *seen = &looking->seen[place_of(looking, i)];
        seen->state = answer_number(looking->rows, i, 1) != 0 ? LEDGER_SPENT : LEDGER_PENDING;
        if (!PQgetisnull(looking->rows, i, 2))
            seen->witness = arena_copy(looking->arena, answer_bytes(looking->rows, i, 2));
    }
    return true;
}

static bool read_promises(struct looking *looking)
{
    uint32_t count = (uint32_t)PQntuples(looking->rows);
    looking->promises = arena_array(looking->arena, struct ledger_promise, count);
    for (uint32_t i = 0; i < count; i++) {
        const PGresult *rows = looking->rows;
        struct ledger_promise *promise = &looking->promises[i];
        promise->message = looking->points[place_of(looking, (int)i)];
        promise->amount = (uint64_t)answer_number(rows, (int)i, 1);
        promise->keyset = (int16_t)answer_number(rows, (int)i, 2);
        if (!answer_copy(&promise->signature, sizeof promise->signature, rows, (int)i, 3) ||
            !answer_copy(&promise->dleq.e, sizeof promise->dleq.e, rows, (int)i, 4) ||
            !answer_copy(&promise->dleq.s, sizeof promise->dleq.s, rows, (int)i, 5))
            return fault_set(looking->fault, FAULT_OURS,
                             "a promise's row is not what it should be");
    }
    looking->found = count;
    return true;
}

bool ledger_states(struct ledger *ledger, struct arena *arena, const struct bytes33 *ys,
                   uint32_t count, const struct ledger_seen **seen, struct fault *fault)
{
    struct looking looking = {.arena = arena,
                              .points = ys,
                              .count = count,
                              .sql = "SELECT u.place, p.spent, p.witness FROM unnest($1::bytea[])"
                                     " WITH ORDINALITY AS u (y, place) JOIN proof p ON p.y = u.y",
                              .read = read_states,
                              .fault = fault};
    if (count > LEDGER_LIST_MAX)
        return fault_set(fault, FAULT_INPUTS_MAX, "more than %d states", LEDGER_LIST_MAX);
    bool is_done = ledger_read(ledger, look, &looking, fault);
    *seen = looking.seen;
    return is_done;
}

bool ledger_restore(struct ledger *ledger, struct arena *arena, const struct bytes33 *messages,
                    uint32_t count, struct ledger_found *found, struct fault *fault)
{
    struct looking looking = {
        .arena = arena,
        .points = messages,
        .count = count,
        .sql = "SELECT u.place, p.amount, p.keyset, p.c, p.e, p.s FROM unnest($1::bytea[])"
               " WITH ORDINALITY AS u (b, place) JOIN promise p ON p.b = u.b"
               " WHERE p.c IS NOT NULL ORDER BY u.place",
        .read = read_promises,
        .fault = fault};
    if (count > LEDGER_LIST_MAX)
        return fault_set(fault, FAULT_OUTPUTS_MAX, "more than %d outputs", LEDGER_LIST_MAX);
    bool is_done = ledger_read(ledger, look, &looking, fault);
    *found = (struct ledger_found){looking.promises, is_done ? looking.found : 0};
    return is_done;
}

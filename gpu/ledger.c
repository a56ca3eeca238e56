#include "gpu/ledger.h"

#include <stdlib.h>

#include "gpu/ledger_parts.h"
#include "shared/err.h"

struct ledger *ledger_open(struct database *database)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL)
        abort();
    ledger->database = database;
    return ledger;
}

void ledger_close(struct ledger *ledger)
{
    free(ledger);
}

struct database *ledger_database(struct ledger *ledger)
{
    return ledger->database;
}

static bool conclude(enum database_end end, const struct err *err, struct fault *fault)
{
    switch (end) {
    case DATABASE_DONE:
        return true;
    case DATABASE_REFUSED:
        return false;
    case DATABASE_FAILED:
        break;
    }
    return fault_set(fault, FAULT_OURS, "%s", err->text);
}

bool ledger_run(struct ledger *ledger, database_work_fn *work, void *argument, struct fault *fault)
{
    struct err err = {0};
    return conclude(database_transact(ledger->database, work, argument, &err), &err, fault);
}

bool ledger_read(struct ledger *ledger, database_work_fn *work, void *argument, struct fault *fault)
{
    struct err err = {0};
    return conclude(database_read(ledger->database, work, argument, &err), &err, fault);
}

/* ---- swap ---- */

struct swapping {
    const struct ledger_swap *swap;
    const struct ledger_proof *inputs; /* sorted */
    const struct ledger_promise *outputs;
    struct fault *fault;
    bool was_done; /* by an earlier request, of which this is a copy */
};

/* It did not go in whole: a copy of what was done, or a second spending. */
static bool refuse(struct transaction *transaction, struct swapping *call, uint32_t in,
                   uint32_t out)
{
    const struct ledger_swap *swap = call->swap;
    if (in == 0 && out == 0 &&
        !ledger_is_done(transaction, &swap->request, &call->was_done, call->fault))
        return false;
    if (call->was_done)
        return false;
    if (in < swap->input_count)
        return ledger_explain_proofs(transaction, call->inputs, swap->input_count, call->fault);
    return ledger_explain_promises(transaction, &call->outputs->message, sizeof *call->outputs,
                                   swap->output_count, call->fault);
}

static bool swap_in(struct transaction *transaction, void *argument)
{
    struct swapping *call = argument;
    const struct ledger_swap *swap = call->swap;
    struct tally tally;
    const PGresult *answers[3];
    const struct tally_call terms = {.inputs = call->inputs,
                                     .input_count = swap->input_count,
                                     .outputs = call->outputs,
                                     .output_count = swap->output_count,
                                     .now = swap->now};
    call->was_done = false;
    if (!ledger_tally(transaction, &tally, &terms, call->fault))
        return false;
    if (tally.in - tally.fee != tally.out || tally.in < tally.fee)
        return fault_set(call->fault, FAULT_UNBALANCED, "%llu in, less a fee of %llu, %llu out",
                         (unsigned long long)tally.in, (unsigned long long)tally.fee,
                         (unsigned long long)tally.out);
    struct query queries[] = {ledger_insert_proofs(call->inputs, swap->input_count, NULL),
                              ledger_insert_promises(call->outputs, swap->output_count),
                              ledger_write_entries(&swap->request, ENTRY_SWAP, &tally, swap->now)};
    if (!transaction_ask_all(transaction, queries, ARRAY_LEN(queries), answers))
        return ledger_lost(call->fault);
    uint32_t in = answer_changed(answers[0]);
    uint32_t out = answer_changed(answers[1]);
    if (in < swap->input_count || out < swap->output_count)
        return refuse(transaction, call, in, out);
    return answer_changed(answers[2]) == tally.count ||
           fault_set(call->fault, FAULT_OURS, "another request has the same hash");
}

bool ledger_swap(struct ledger *ledger, const struct ledger_swap *swap, struct fault *fault)
{
    struct arena arena = {0};
    if (swap->input_count == 0 || swap->output_count == 0)
        return fault_set(fault, FAULT_UNBALANCED, "nothing goes in, or out");
    struct swapping call = {.swap = swap,
                            .inputs = ledger_sort_proofs(&arena, swap->inputs, swap->input_count),
                            .outputs =
                                ledger_sort_promises(&arena, swap->outputs, swap->output_count),
                            .fault = fault};
    bool is_done = ledger_run(ledger, swap_in, &call, fault) || call.was_done;
    arena_clear(&arena);
    return is_done;
}

/* What goes in and out of a request, by keyset: sums, units, fee, expiry. */
#include "gpu/ledger_parts.h"

static bool add(uint64_t *sum, uint64_t amount)
{
    return amount > 0 && amount >> LEDGER_AMOUNT_BITS_MAX == 0 &&
           !__builtin_add_overflow(*sum, amount, sum) && *sum >> LEDGER_AMOUNT_BITS_MAX == 0;
}

/* Of the keyset with that number, made at its place if need be. NULL: too many. */
static struct tally_row *row_of(struct tally *tally, int16_t number)
{
    uint32_t at = 0;
    while (at < tally->count && tally->rows[at].keyset.number < number)
        at++;
    struct tally_row *row = &tally->rows[at];
    if (at < tally->count && row->keyset.number == number)
        return row;
    if (tally->count == TALLY_KEYSETS_MAX)
        return NULL;
    memmove(row + 1, row, (tally->count - at) * sizeof *row);
    *row = (struct tally_row){.keyset = {.number = number}};
    tally->count++;
    return row;
}

static bool sum_inputs(struct tally *tally, const struct tally_call *call, struct fault *fault)
{
    for (uint32_t i = 0; i < call->input_count; i++) {
        const struct ledger_proof *input = &call->inputs[i];
        struct tally_row *row = row_of(tally, input->keyset);
        if (i > 0 && memcmp(&call->inputs[i - 1].y, &input->y, sizeof input->y) == 0)
            return fault_set(fault, FAULT_INPUT_TWICE, "an input is there twice");
        if (row == NULL)
            return fault_set(fault, FAULT_INPUTS_MAX, "inputs are of too many keysets");
        if (!add(&row->in, input->amount) || !add(&tally->in, input->amount))
            return fault_set(fault, FAULT_AMOUNT_LIMIT, "an amount is out of range");
        row->inputs++;
    }
    return true;
}

static bool sum_outputs(struct tally *tally, const struct tally_call *call, struct fault *fault)
{
    for (uint32_t i = 0; i < call->output_count; i++) {
        const struct ledger_promise *output = &call->outputs[i];
        struct tally_row *row = row_of(tally, output->keyset);
        if (i > 0 &&
            memcmp(&call->outputs[i - 1].message, &output->message, sizeof output->message) == 0)
            return fault_set(fault, FAULT_OUTPUT_TWICE, "an output is there twice");
        if (row == NULL)
            return fault_set(fault, FAULT_OUTPUTS_MAX, "outputs are of too many keysets");
        if (!add(&row->out, output->amount) || !add(&tally->out, output->amount))
            return fault_set(fault, FAULT_AMOUNT_LIMIT, "an amount is out of range");
    }
    return true;
}

static bool read_keysets(struct transaction *transaction, struct tally *tally, struct fault *fault)
{
    int64_t numbers[TALLY_KEYSETS_MAX];
    for (uint32_t i = 0; i < tally->count; i++)
        numbers[i] = tally->rows[i].keyset.number;
    struct query query =
        query_of("SELECT k.number, k.unit, k.fee_ppk, k.final_expiry, k.active, k.retired_at"
                 " FROM keyset k WHERE k.number = ANY ($1::int8[]) ORDER BY k.number");
    query_numbers(&query, numbers, tally->count);
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(fault);
    if ((uint32_t)PQntuples(rows) != tally->count)
        return fault_set(fault, FAULT_KEYSET_UNKNOWN, "there is no such keyset");
    for (uint32_t i = 0; i < tally->count; i++) {
        struct ledger_keyset *keyset = &tally->rows[i].keyset;
        struct span unit = answer_bytes(rows, (int)i, 1);
        if (unit.len > LEDGER_UNIT_MAX)
            return fault_set(fault, FAULT_OURS, "a keyset's unit is too long");
        memcpy(keyset->unit, unit.at, unit.len);
        keyset->input_fee_ppk = (uint32_t)answer_number(rows, (int)i, 2);
        keyset->final_expiry = answer_number(rows, (int)i, 3);
        keyset->is_active = answer_number(rows, (int)i, 4) != 0;
        tally->rows[i].retired_at = answer_number(rows, (int)i, 5);
    }
    return true;
}

static bool check_row(const struct tally_row *row, const char *unit, const struct tally_call *call,
                      struct fault *fault)
{
    const struct ledger_keyset *keyset = &row->keyset;
    bool was_active = call->retired_since > 0 && row->retired_at >= call->retired_since;
    if (strcmp(keyset->unit, unit) != 0)
        return fault_set(fault, call->unit == NULL ? FAULT_UNITS_MANY : FAULT_UNITS_DIFFER,
                         "units differ: %s and %s", unit, keyset->unit);
    if (keyset->final_expiry > 0 && call->now >= keyset->final_expiry)
        return fault_set(fault, FAULT_KEYSET_EXPIRED, "the keyset has expired");
    if (row->out > 0 && !keyset->is_active && !was_active)
        return fault_set(fault, FAULT_KEYSET_INACTIVE,
                         "the keyset is not active: it signs no more");
    return true;
}

bool ledger_tally(struct transaction *transaction, struct tally *tally,
                  const struct tally_call *call, struct fault *fault)
{
    *tally = (struct tally){0};
    if (call->input_count > LEDGER_LIST_MAX)
        return fault_set(fault, FAULT_INPUTS_MAX, "more than %d inputs", LEDGER_LIST_MAX);
    if (call->output_count > LEDGER_LIST_MAX)
        return fault_set(fault, FAULT_OUTPUTS_MAX, "more than %d outputs", LEDGER_LIST_MAX);
    if (!sum_inputs(tally, call, fault) || !sum_outputs(tally, call, fault) ||
        !read_keysets(transaction, tally, fault))
        return false;
    uint64_t thousandths = 0;
    for (uint32_t i = 0; i < tally->count; i++) {
        const char *unit = call->unit != NULL ? call->unit : tally->rows[0].keyset.unit;
        if (!check_row(&tally->rows[i], unit, call, fault))
            return false;
        thousandths += (uint64_t)tally->rows[i].inputs * tally->rows[i].keyset.input_fee_ppk;
    }
    tally->fee = (thousandths + 999) / 1000;
    return true;
}

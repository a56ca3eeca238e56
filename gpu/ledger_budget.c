/* Budgets: a ceiling over what is taken by all, without a row that all wait for.
 *
 * The ceiling is dealt out to SLOTS rows; a taker tries one at random. Only when that has too
 * little left, or the ceiling has changed, are all locked, counted, and dealt out anew. */
#include <sodium.h>
#include <stdio.h>

#include "gpu/ledger_parts.h"

enum { SLOTS = 8 };

struct slots {
    int64_t used[SLOTS], share[SLOTS];
    int64_t total; /* used */
};

static bool create(struct transaction *transaction, const char *name, struct fault *fault)
{
    struct query query =
        query_of("INSERT INTO budget (name, slot, used, share, ceiling)"
                 " SELECT $1::text, i::int2, 0, 0, 0"
                 " FROM generate_series(0, $2::int8 - 1) i ON CONFLICT DO NOTHING");
    query_text(&query, name);
    query_number(&query, SLOTS);
    return transaction_ask(transaction, &query) != NULL || ledger_lost(fault);
}

static bool lock(struct transaction *transaction, const char *name, struct slots *slots,
                 struct fault *fault)
{
    if (!create(transaction, name, fault))
        return false;
    struct query query = query_of("SELECT b.slot, b.used FROM budget b WHERE b.name = $1::text"
                                  " ORDER BY b.slot FOR UPDATE");
    query_text(&query, name);
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL)
        return ledger_lost(fault);
    if (PQntuples(rows) != SLOTS)
        return fault_set(fault, FAULT_OURS, "budget %s has %d rows", name, PQntuples(rows));
    *slots = (struct slots){0};
    for (int i = 0; i < SLOTS; i++) {
        slots->used[i] = answer_number(rows, i, 1);
        slots->total += slots->used[i];
    }
    return true;
}

/* What is left, in equal parts on top of what each has used. */
static void deal(struct slots *slots, int64_t left)
{
    for (int i = 0; i < SLOTS; i++)
        slots->share[i] = slots->used[i] + left / SLOTS + (i < left % SLOTS);
}

static bool take_slowly(struct transaction *transaction, const struct ledger_budget *budget,
                        int64_t amount, struct fault *fault)
{
    struct slots slots;
    int64_t ceiling = (int64_t)budget->ceiling;
    if (!lock(transaction, budget->name, &slots, fault))
        return false;
    if (slots.total > ceiling - amount)
        return fault_set(fault, FAULT_AMOUNT_LIMIT, "%s: %lld of %lld are taken", budget->name,
                         (long long)slots.total, (long long)ceiling);
    slots.used[0] += amount;
    deal(&slots, ceiling - slots.total - amount);
    struct query query =
        query_of("UPDATE budget b SET used = u.used, share = u.share, ceiling = $2::int8"
                 " FROM unnest($3::int8[], $4::int8[]) WITH ORDINALITY AS u (used, share, slot)"
                 " WHERE b.name = $1::text AND b.slot = (u.slot - 1)::int2");
    query_text(&query, budget->name);
    query_number(&query, ceiling);
    query_numbers(&query, slots.used, SLOTS);
    query_numbers(&query, slots.share, SLOTS);
    return transaction_ask(transaction, &query) != NULL || ledger_lost(fault);
}

static bool take(struct transaction *transaction, const struct ledger_budget *budget,
                 int64_t amount, struct fault *fault)
{
    if (budget->ceiling >> LEDGER_AMOUNT_BITS_MAX != 0 ||
        strlen(budget->name) > LEDGER_BUDGET_NAME_MAX)
        return fault_set(fault, FAULT_OURS, "budget %.20s is out of range", budget->name);
    struct query query = query_of("UPDATE budget SET used = used + $3::int8"
                                  " WHERE name = $1::text AND slot = $2::int8::int2"
                                  " AND used + $3::int8 <= share AND ceiling = $4::int8");
    query_text(&query, budget->name);
    query_number(&query, randombytes_uniform(SLOTS));
    query_number(&query, amount);
    query_number(&query, (int64_t)budget->ceiling);
    const PGresult *answer = transaction_ask(transaction, &query);
    if (answer == NULL)
        return ledger_lost(fault);
    return answer_changed(answer) == 1 || take_slowly(transaction, budget, amount, fault);
}

bool ledger_take(struct transaction *transaction, const struct ledger_budgets *budgets,
                 uint64_t amount, struct fault *fault)
{
    const struct ledger_budget *last = NULL;
    if (amount >> LEDGER_AMOUNT_BITS_MAX != 0 || budgets->count > LEDGER_BUDGETS_MAX)
        return fault_set(fault, FAULT_AMOUNT_LIMIT, "an amount is out of range");
    for (uint32_t i = 0; i < budgets->count; i++) {
        const struct ledger_budget *next = NULL; /* in the order of their names */
        for (uint32_t k = 0; k < budgets->count; k++) {
            const struct ledger_budget *other = &budgets->at[k];
            bool is_later = last == NULL || strcmp(other->name, last->name) > 0;
            if (is_later && (next == NULL || strcmp(other->name, next->name) < 0))
                next = other;
        }
        if (next == NULL)
            return fault_set(fault, FAULT_OURS, "a budget is there twice");
        if (!take(transaction, next, (int64_t)amount, fault))
            return false;
        last = next;
    }
    return true;
}

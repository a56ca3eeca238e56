#include "gpu/ledger_audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu/ledger_parts.h"

enum { BATCH_ROWS = 20000 };

/* By number of the keyset. */
struct totals {
    struct sumtree promises, spent;
    uint64_t pending;
};

struct auditing {
    struct ledger_audit *audit;
    struct totals *totals; /* of audit->sums */
    struct fault *fault;
};

static void differ(struct ledger_audit *audit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void differ(struct ledger_audit *audit, const char *format, ...)
{
    char line[300];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    if (audit->difference_count == LEDGER_DIFFERENCES_MAX || len < 0)
        return;
    size_t size = (size_t)len < sizeof line ? (size_t)len : sizeof line - 1;
    audit->differences[audit->difference_count++] =
        arena_copy(&audit->arena, (struct span){line, size});
}

/* What should hold of all rows; each says in one text column what does not. */
static const char *const checks[] = {
    "SELECT format('keyset %s: has rows and is not there', x.keyset) FROM (SELECT keyset FROM "
    "promise"
    " UNION SELECT keyset FROM proof UNION SELECT keyset FROM entry) x"
    " WHERE x.keyset NOT IN (SELECT number FROM keyset) LIMIT 100",

    "SELECT format('request %s, %s: %s issued, %s spent, %s held',"
    " left(encode(e.request, 'hex'), 16), (ARRAY['issue','swap','hold','settle','cancel'])[e.kind],"
    " sum(e.issued), sum(e.spent), sum(e.held))"
    " FROM entry e JOIN keyset k ON k.number = e.keyset GROUP BY e.request, e.kind, k.unit"
    " HAVING CASE e.kind WHEN 1 THEN sum(e.issued) <= 0 OR sum(e.spent) <> 0 OR sum(e.held) <> 0"
    " WHEN 2 THEN sum(e.issued) > sum(e.spent) OR sum(e.held) <> 0"
    " WHEN 3 THEN sum(e.held) <= 0 OR sum(e.issued) <> 0 OR sum(e.spent) <> 0"
    " WHEN 4 THEN sum(e.spent) <> -sum(e.held) OR sum(e.issued) > sum(e.spent)"
    " ELSE sum(e.held) >= 0 OR sum(e.issued) <> 0 OR sum(e.spent) <> 0 END LIMIT 100",

    "SELECT format('%s: quotes of %s are issued, the journal says %s', unit, q, e)"
    " FROM (SELECT unit, coalesce(q, 0) q, coalesce(e, 0) e"
    " FROM (SELECT unit, sum(amount) q FROM mint_quote WHERE state = 2 GROUP BY unit) a"
    " FULL JOIN (SELECT k.unit, sum(e.issued) e FROM entry e JOIN keyset k ON k.number = e.keyset"
    " WHERE e.kind = 1 GROUP BY k.unit) b USING (unit)) c WHERE q <> e LIMIT 100",

    "SELECT format('quote %s: holds %s, and its proofs are worth %s', m.id, m.held,"
    " coalesce(sum(p.amount), 0)) FROM melt_quote m LEFT JOIN proof p ON p.quote = m.id"
    " AND NOT p.spent WHERE m.state = 1 GROUP BY m.id, m.held"
    " HAVING coalesce(sum(p.amount), 0) < m.held LIMIT 100",

    "SELECT format('a proof of %s is held for quote %s, which is not pending', p.amount, p.quote)"
    " FROM proof p WHERE NOT p.spent AND NOT EXISTS"
    " (SELECT FROM melt_quote m WHERE m.id = p.quote AND m.state = 1) LIMIT 100",

    "SELECT format('a blank output waits for quote %s, which is not pending', p.quote)"
    " FROM promise p WHERE p.c IS NULL AND NOT EXISTS"
    " (SELECT FROM melt_quote m WHERE m.id = p.quote AND m.state = 1) LIMIT 100",

    "SELECT format('quote %s: %s held, %s kept, %s given back', m.id, m.held, m.cost,"
    " coalesce(sum(p.amount), 0)) FROM melt_quote m LEFT JOIN promise p ON p.quote = m.id"
    " WHERE m.state = 2 GROUP BY m.id, m.held, m.cost, m.amount, m.fee_reserve"
    " HAVING m.cost > m.amount + m.fee_reserve OR m.cost + coalesce(sum(p.amount), 0) > m.held"
    " LIMIT 100",

    "SELECT format('budget %s: %s are taken, of %s', name, sum(used), max(ceiling)) FROM budget"
    " GROUP BY name HAVING sum(share) <> max(ceiling) OR min(ceiling) <> max(ceiling)"
    " OR bool_or(used > share) LIMIT 100",
};

static bool run_checks(struct transaction *transaction, const struct auditing *auditing)
{
    for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
        struct query query = query_of(checks[i]);
        const PGresult *rows = transaction_ask(transaction, &query);
        if (rows == NULL)
            return ledger_lost(auditing->fault);
        for (int k = 0; k < PQntuples(rows); k++)
            differ(auditing->audit, "%.*s", SPAN_ARG(answer_bytes(rows, k, 0)));
    }
    return true;
}

/* NULL: of a keyset that is not there, which a check says. */
static struct totals *totals_of(const struct auditing *auditing, int64_t number)
{
    for (uint32_t i = 0; i < auditing->audit->count; i++)
        if (auditing->audit->sums[i].keyset.number == number)
            return &auditing->totals[i];
    return NULL;
}

static void count_promise(struct totals *totals, struct ledger_audit *audit, const PGresult *rows,
                          int row)
{
    if (!sumtree_add(&totals->promises, answer_bytes(rows, row, 0),
                     (uint64_t)answer_number(rows, row, 2)))
        differ(audit, "promises are worth more than can be");
}

static void count_proof(struct totals *totals, struct ledger_audit *audit, const PGresult *rows,
                        int row)
{
    uint64_t amount = (uint64_t)answer_number(rows, row, 2);
    bool is_spent = answer_number(rows, row, 3) != 0;
    bool is_counted = is_spent ? sumtree_add(&totals->spent, answer_bytes(rows, row, 0), amount)
                               : !__builtin_add_overflow(totals->pending, amount, &totals->pending);
    if (!is_counted)
        differ(audit, "proofs are worth more than can be");
}

typedef void count_fn(struct totals *totals, struct ledger_audit *audit, const PGresult *rows,
                      int row);

/* All rows of a table in the order of their keys, a batch at a time. */
static bool read_rows(struct transaction *transaction, const struct auditing *auditing,
                      const char *sql, count_fn *count)
{
    struct bytes33 last = {{0}};
    for (int rows_read = BATCH_ROWS; rows_read == BATCH_ROWS;) {
        struct query query = query_of(sql);
        query_bytes(&query, SPAN_OF(last));
        query_number(&query, BATCH_ROWS);
        const PGresult *rows = transaction_ask(transaction, &query);
        if (rows == NULL)
            return ledger_lost(auditing->fault);
        rows_read = PQntuples(rows);
        for (int i = 0; i < rows_read; i++) {
            struct totals *totals = totals_of(auditing, answer_number(rows, i, 1));
            if (answer_copy(&last, sizeof last, rows, i, 0) && totals != NULL)
                count(totals, auditing->audit, rows, i);
            else if (totals != NULL)
                return fault_set(auditing->fault, FAULT_OURS, "a key is not 33 bytes");
        }
        transaction_forget(transaction);
    }
    return true;
}

static void compare(struct ledger_audit *audit, const struct ledger_sum *sum, const char *what,
                    uint64_t rows, int64_t journal)
{
    if (journal < 0 || rows != (uint64_t)journal)
        differ(audit, "keyset %d: %llu %s by its rows, %lld by the journal", sum->keyset.number,
               (unsigned long long)rows, what, (long long)journal);
}

static bool compare_journal(struct transaction *transaction, const struct auditing *auditing)
{
    struct ledger_audit *audit = auditing->audit;
    struct query query = query_of(
        "SELECT k.number, coalesce(sum(e.issued), 0)::int8, coalesce(sum(e.spent), 0)::int8,"
        " coalesce(sum(e.held), 0)::int8 FROM keyset k LEFT JOIN entry e"
        " ON e.keyset = k.number GROUP BY k.number ORDER BY k.number");
    const PGresult *rows = transaction_ask(transaction, &query);
    if (rows == NULL || (uint32_t)PQntuples(rows) != audit->count)
        return ledger_lost(auditing->fault);
    for (uint32_t i = 0; i < audit->count; i++) {
        struct ledger_sum *sum = &audit->sums[i];
        compare(audit, sum, "issued", sum->issued.sum, answer_number(rows, (int)i, 1));
        compare(audit, sum, "spent", sum->spent.sum, answer_number(rows, (int)i, 2));
        compare(audit, sum, "pending", sum->pending, answer_number(rows, (int)i, 3));
    }
    return true;
}

static void add_up(struct auditing *auditing)
{
    struct ledger_audit *audit = auditing->audit;
    for (uint32_t i = 0; i < audit->count; i++) {
        struct ledger_sum *sum = &audit->sums[i];
        const struct totals *totals = &auditing->totals[i];
        sum->issued = sumtree_root(&totals->promises);
        sum->spent = sumtree_root(&totals->spent);
        sum->promises = totals->promises.count;
        sum->proofs = totals->spent.count;
        sum->pending = totals->pending;
        sum->outstanding = (int64_t)(sum->issued.sum - sum->spent.sum);
        if (sum->outstanding < 0 || (uint64_t)sum->outstanding < sum->pending)
            differ(audit, "keyset %d: %lld outstanding, %llu of them pending", sum->keyset.number,
                   (long long)sum->outstanding, (unsigned long long)sum->pending);
    }
}

static bool work(struct transaction *transaction, void *argument)
{
    struct auditing *auditing = argument;
    struct ledger_audit *audit = auditing->audit;
    const struct ledger_keyset *keysets;
    audit->difference_count = 0;
    if (!ledger_keysets_in(transaction, &audit->arena, &keysets, &audit->count, auditing->fault))
        return false;
    audit->sums = arena_array(&audit->arena, struct ledger_sum, audit->count);
    auditing->totals = arena_array(&audit->arena, struct totals, audit->count);
    for (uint32_t i = 0; i < audit->count; i++)
        audit->sums[i].keyset = keysets[i];
    if (!read_rows(transaction, auditing,
                   "SELECT b, keyset, amount FROM promise WHERE b > $1::bytea AND c IS NOT NULL"
                   " ORDER BY b LIMIT $2::int8",
                   count_promise) ||
        !read_rows(transaction, auditing,
                   "SELECT y, keyset, amount, spent FROM proof WHERE y > $1::bytea"
                   " ORDER BY y LIMIT $2::int8",
                   count_proof))
        return false;
    add_up(auditing);
    return compare_journal(transaction, auditing) && run_checks(transaction, auditing);
}

bool ledger_audit(struct ledger *ledger, struct ledger_audit *audit, struct fault *fault)
{
    struct auditing auditing = {.audit = audit, .fault = fault};
    *audit = (struct ledger_audit){0};
    bool is_done = ledger_read(ledger, work, &auditing, fault);
    if (!is_done)
        ledger_audit_clear(audit);
    return is_done;
}

void ledger_audit_clear(struct ledger_audit *audit)
{
    arena_clear(&audit->arena);
    *audit = (struct ledger_audit){0};
}

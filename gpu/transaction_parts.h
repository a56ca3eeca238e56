/* transaction_parts.h - a connection that transactions run on, one after the other.
 *
 * Part of transaction; for database.
 *
 *   ownership  transaction_drop gives the connection back
 *   threads    one at a time
 */
#pragma once

#include "gpu/transaction.h"
#include "shared/err.h"

enum { TRANSACTION_STATEMENTS_MAX = 256 };

struct transaction {
    PGconn *conn; /* NULL: not connected */
    bool is_lent;
    const char *statements[TRANSACTION_STATEMENTS_MAX]; /* prepared on conn */
    uint32_t statement_count;
    PGresult **answers;
    uint32_t answer_count, answer_capacity;
    const char *begin; /* how it begins, with the first statement; NULL: it has */
    bool has_failed;
    bool may_retry; /* what failed may go well when all is run again */
    struct err err;
};

/* begin: a literal. */
void transaction_begin(struct transaction *transaction, const char *begin);

/* True: it was committed, or (work has said no) undone, as asked for. Else has_failed. */
MUST_CHECK bool transaction_end(struct transaction *transaction, bool commits);

/* Closes the connection. */
void transaction_drop(struct transaction *transaction);

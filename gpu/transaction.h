/* transaction.h - statements of a transaction under way, and their answers.
 *
 *     struct query query = query_of("SELECT amount FROM proof WHERE y = ANY ($1)");
 *     query_points(&query, ys, count);
 *     const PGresult *rows = transaction_ask(transaction, &query);
 *     if (rows == NULL)
 *         return false;
 *
 * Statements are prepared when a connection first meets them. Parameters and answers are binary.
 *
 *   ownership  an answer lives as long as the transaction; transaction_ask empties the query
 *   threads    that of the transaction
 *   errors     NULL, or false: the transaction is lost, and whoever runs it knows why
 */
#pragma once

#include <libpq-fe.h>

#include "shared/base.h"
#include "shared/text.h"

struct transaction;

enum { QUERY_PARAMETERS_MAX = 16, QUERIES_MAX = 8 };

struct query {
    const char *sql; /* a literal: it is known by its address */
    int count;
    bool is_null[QUERY_PARAMETERS_MAX];
    struct text at[QUERY_PARAMETERS_MAX];
};

struct query query_of(const char *sql);
void query_null(struct query *query);
void query_number(struct query *query, int64_t value);                      /* int8 */
void query_bytes(struct query *query, struct span bytes);                   /* bytea, text, uuid */
void query_text(struct query *query, const char *text);                     /* text */
void query_numbers(struct query *query, const int64_t *at, uint32_t count); /* int8[] */

/* bytea[]: pieces of len bytes, each stride after the one before it, as in an array of structs. */
void query_pieces(struct query *query, const void *first, size_t len, size_t stride,
                  uint32_t count);
/* bytea[] of any lengths. */
void query_spans(struct query *query, const struct span *first, size_t stride, uint32_t count);
void query_points(struct query *query, const struct bytes33 *at, uint32_t count);

const PGresult *transaction_ask(struct transaction *transaction, struct query *query);

/* Several, up to QUERIES_MAX, on one way to PostgreSQL and back; answers has as many. */
MUST_CHECK bool transaction_ask_all(struct transaction *transaction, struct query *queries,
                                    uint32_t count, const PGresult *answers[]);

/* Answers so far are gone. */
void transaction_forget(struct transaction *transaction);

/* How many rows a statement changed. */
uint32_t answer_changed(const PGresult *answer);
/* Of int2, int4, int8 and bool. NULL is 0. */
int64_t answer_number(const PGresult *rows, int row, int column);
struct span answer_bytes(const PGresult *rows, int row, int column); /* NULL: at is NULL */

/* Copies size bytes; false when there are more or fewer: somebody else wrote into the tables. */
MUST_CHECK bool answer_copy(void *out, size_t size, const PGresult *rows, int row, int column);

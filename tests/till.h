/* till.h - a ledger in a schema of its own, and proofs and promises to try it with.
 *
 * The ledger does not look whether points are on the curve or signatures are right: any bytes do.
 *
 *   ownership  till_open to till_close, which drops the schema
 *   threads    any, after till_open
 *   errors     fail the test
 */
#pragma once

#include "gpu/ledger_melt.h"

struct till {
    struct database *database;
    struct ledger *ledger;
    const char *conninfo;
    char schema[DATABASE_SCHEMA_MAX + 1];
    struct ledger_keyset promo, paid; /* active, without a fee */
};

/* A new schema in the database of $TEST_DB, named after this process. */
void till_open(struct till *till, uint32_t connections);

/* The same with a schema of that name in any database. */
void till_open_at(struct till *till, const char *conninfo, const char *schema,
                  uint32_t connections);
void till_close(struct till *till);

/* Another database on the same schema, as another process has. */
struct ledger *till_join(const struct till *till, uint32_t connections);
void till_leave(struct ledger *ledger);

/* The one value of a query, a number. */
int64_t till_number(const struct till *till, const char *sql);
void till_sql(const struct till *till, const char *sql);

/* Never seen before. */
struct ledger_proof till_proof(const struct ledger_keyset *keyset, uint64_t amount);
struct ledger_promise till_promise(const struct ledger_keyset *keyset, uint64_t amount);
struct bytes32 till_request(void);

/* A quote, paid, is issued as promises of the amounts; proofs to go with them. */
void till_issue(const struct till *till, const struct ledger_keyset *keyset, uint64_t amount);

/* A swap of one for one. */
struct ledger_swap till_swap(const struct ledger_proof *input, const struct ledger_promise *output);

/* A melt quote, UNPAID. */
struct melt_quote till_melt_quote(const struct till *till, const char *unit, uint64_t amount,
                                  uint64_t fee_reserve);

/* hold, settle, cancel in a transaction of their own. */
bool till_hold(struct ledger *ledger, const struct ledger_hold *hold, struct fault *fault);
bool till_settle(struct ledger *ledger, const struct ledger_settlement *settlement,
                 struct fault *fault);
bool till_cancel(struct ledger *ledger, const struct uuid *quote, struct fault *fault);

enum { TILL_DIFFERENCES_SIZE = 2000 };

/* What an audit says: nothing, or the differences. */
void till_audit(const struct till *till, char differences[TILL_DIFFERENCES_SIZE]);

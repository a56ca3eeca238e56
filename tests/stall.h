/* stall.h - a node that sells answers, without its executors: database, mint, orders, and a wallet
 * that has as much credit as it asks for.
 *
 *   ownership  stall_open to stall_close, which drops the schema; tokens live in the arena
 *   threads    one
 *   errors     fail the test
 */
#pragma once

#include "client/wallet_wire.h"
#include "gpu/compute.h"
#include "gpu/ledger_melt.h"
#include "gpu/mint.h"
#include "gpu/mint_policy.h"
#include "gpu/model.h"
#include "shared/arena.h"
#include "shared/text.h"

#define STALL_CHAT(max) \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"max_tokens\":" #max "}"

struct stall {
    const char *conninfo; /* NULL: a schema of its own in that of $TEST_DB */
    struct arena arena;
    char schema[DATABASE_SCHEMA_MAX + 1];
    struct bytes32 seed;
    struct database *database;
    struct ledger *ledger;
    struct mint *mint;
    struct mint_policy policy;
    struct holder *holder;
    struct orders *orders;
    struct model model;
    struct tokenizer tokenizer;
    struct measure measure;
    struct compute *compute;
    uint32_t attempts_max;
};

/* folder: of a model. Where conninfo is set before, and seed, it is beside a node that has that
 * database and that mint. */
void stall_open(struct stall *stall, const char *folder, const struct price *price);
void stall_close(struct stall *stall);

/* As another process has it: all but the model is opened anew. */
void stall_again(struct stall *stall);

/* Credit, fresh from the mint. */
struct token stall_token(struct stall *stall, const char *unit, uint64_t amount);

/* A verb of the mint: fails the test unless it has that status. */
struct span stall_call(struct stall *stall, uint32_t status, const char *path, struct span body);

struct stall_quote {
    struct uuid id;
    char text[UUID_TEXT_LEN + 1];
    uint64_t amount, reserve;
};
struct stall_quote stall_quote(struct stall *stall, const char *unit, const char *job);

/* Pays what is quoted. */
void stall_pay(struct stall *stall, const struct stall_quote *quote, const char *unit);

/* What of a quote was given back: its change, or all. */
uint64_t stall_back(struct stall *stall, const struct stall_quote *quote, struct span *state);

/* Waits, being told, until a query has that for an answer. */
void stall_await(const struct stall *stall, const char *sql, int64_t wanted);

int64_t stall_number(const struct stall *stall, const char *sql);
void stall_sql(const struct stall *stall, const char *sql);

#include "tests/stall.h"

#include <inttypes.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/holder.h"
#include "client/keys.h"
#include "gpu/prompt.h"
#include "shared/err.h"
#include "tests/test.h"

enum { AWAIT_MS = 30000 };

static void fail_with(const struct err *err)
{
    fail_msg("%s", err->text);
}

static void open_node(struct stall *stall)
{
    struct err err = {0};
    const struct database_setup database = {
        .conninfo = stall->conninfo != NULL ? stall->conninfo : getenv("TEST_DB"),
        .schema = stall->conninfo != NULL ? NULL : stall->schema,
        .connections = 4};
    stall->database = database_open(&database, &err);
    if (stall->database == NULL)
        fail_with(&err);
    stall->ledger = ledger_open(stall->database);
    const struct mint_setup mint = {
        .ledger = stall->ledger, .seed = &stall->seed, .policy = &stall->policy, .name = "a stall"};
    stall->mint = mint_open(&mint, &err);
    if (stall->mint == NULL)
        fail_with(&err);
    const struct orders_setup orders = {.database = stall->database,
                                        .mint = stall->mint,
                                        .holder = stall->holder,
                                        .profile = "cpu",
                                        .policy = {.fee_ppm = 20000, .burn_ppm = 500000},
                                        .attempts_max = stall->attempts_max};
    stall->orders = orders_open(&orders);
}

static void sell(struct stall *stall, const struct price *price)
{
    const struct compute_setup setup = {.orders = stall->orders,
                                        .measure = &stall->measure,
                                        .model = SPAN("demo"),
                                        .price = *price};
    stall->compute = compute_open(&setup);
    const struct mint_method method = compute_method(stall->compute);
    mint_spend_by(stall->mint, &method);
}

static void open_model(struct stall *stall, const char *folder)
{
    struct err err;
    const struct chat_format *format = NULL;
    if (!model_open(&stall->model, folder, &err) ||
        !tokenizer_open(&stall->tokenizer, &stall->model, &err) ||
        !prompt_find_format(&format, &stall->tokenizer, NULL, &err))
        fail_with(&err);
    stall->measure = (struct measure){&stall->tokenizer, format, stall->model.hyper.vocabulary,
                                      stall->model.hyper.context};
}

void stall_open(struct stall *stall, const char *folder, const struct price *price)
{
    struct bytes32 secret;
    snprintf(stall->schema, sizeof stall->schema, "test_stall_%d", (int)getpid());
    if (stall->conninfo == NULL)
        randombytes_buf(&stall->seed, sizeof stall->seed);
    randombytes_buf(&secret, sizeof secret);
    stall->holder = holder_of_keys(keys_new(&secret));
    stall->policy = mint_policy_default();
    open_model(stall, folder);
    open_node(stall);
    sell(stall, price);
}

static struct price close_node(struct stall *stall)
{
    struct compute_bill bill;
    struct refusal refusal;
    assert_true(compute_bill(stall->compute, &bill, &stall->arena,
                             SPAN("{\"prompt\":\"a\",\"max_tokens\":1}"), 0, &refusal));
    compute_close(stall->compute);
    orders_close(stall->orders);
    mint_close(stall->mint);
    ledger_close(stall->ledger);
    database_close(stall->database);
    return bill.terms.price;
}

void stall_again(struct stall *stall)
{
    struct price price = close_node(stall);
    open_node(stall);
    sell(stall, &price);
}

void stall_close(struct stall *stall)
{
    char sql[128];
    snprintf(sql, sizeof sql, "DROP SCHEMA %s CASCADE", stall->schema);
    if (stall->conninfo == NULL)
        stall_sql(stall, sql);
    (void)close_node(stall);
    holder_free(stall->holder);
    tokenizer_close(&stall->tokenizer);
    model_close(&stall->model);
    arena_clear(&stall->arena);
}

/* ---- the wallet ---- */

struct span stall_call(struct stall *stall, uint32_t status, const char *path, struct span body)
{
    struct mint_answer answer;
    const struct mint_call call = {
        .method = body.len > 0 ? "POST" : "GET", .path = path, .body = body};
    mint_call(stall->mint, &answer, &call);
    struct span copy = arena_copy(&stall->arena, text_span(&answer.body));
    text_clear(&answer.body);
    if (answer.status != status)
        fail_msg("%s: %u, not %u: %.*s", path, answer.status, status, SPAN_ARG(copy));
    return copy;
}

static struct wallet_keyset keyset_of(struct stall *stall, const char *unit)
{
    struct wallet_keyset *keysets;
    struct err err;
    size_t count, found = 0;
    char path[16 + 2 * sizeof keysets->id.at] = "/v1/keys/";
    if (!wallet_read_keysets(&keysets, &count, &stall->arena,
                             stall_call(stall, 200, "/v1/keysets", SPAN("")), &err))
        fail_with(&err);
    while (!keysets[found].is_active ||
           !span_eq(keysets[found].keys.unit, (struct span){unit, strlen(unit)}))
        assert_true(++found < count);
    sodium_bin2hex(path + strlen(path), sizeof path - strlen(path), keysets[found].id.at,
                   sizeof keysets[found].id.at);
    if (!wallet_read_keys(keysets + found, &stall->arena, stall_call(stall, 200, path, SPAN("")),
                          &err))
        fail_with(&err);
    return keysets[found];
}

/* A quote of the mint's that somebody has paid. */
static struct uuid grant(struct stall *stall, const char *unit, uint64_t amount)
{
    struct fault fault;
    const struct ledger_budgets none = {0};
    struct mint_quote quote = {.id = uuid_new(),
                               .method = "grant",
                               .amount = amount,
                               .request = SPAN(""),
                               .state = MINT_PAID};
    snprintf(quote.unit, sizeof quote.unit, "%s", unit);
    if (!ledger_mint_quote_add(stall->ledger, &quote, &none, &fault))
        fail_msg("%s", fault.text);
    return quote.id;
}

struct token stall_token(struct stall *stall, const char *unit, uint64_t amount)
{
    struct wallet_keyset keyset = keyset_of(stall, unit);
    struct uuid id = grant(stall, unit, amount);
    struct wallet_signature *signatures;
    struct bytes64 seed;
    struct text body = {0};
    struct err err;
    uint64_t amounts[WALLET_SPLIT_MAX];
    size_t count, signed_count;
    char quote[UUID_TEXT_LEN + 1];
    randombytes_buf(&seed, sizeof seed);
    uuid_write(quote, &id);
    if (!wallet_split(amounts, &count, &keyset.keys, amount, &err))
        fail_with(&err);
    struct wallet_output *outputs =
        wallet_outputs(&stall->arena, &seed, &keyset.id, 0, amounts, count);
    text_addf(&body, "{\"quote\":\"%s\",", quote);
    wallet_write_outputs(&body, &keyset.id, outputs, count);
    text_add(&body, SPAN("}"));
    struct span answer = stall_call(stall, 200, "/v1/mint/grant", text_span(&body));
    text_clear(&body);
    if (!wallet_read_signatures(&signatures, &signed_count, &stall->arena, answer,
                                SPAN("signatures"), &err))
        fail_with(&err);
    assert_int_equal(signed_count, count);
    struct token_proof *proofs = arena_array(&stall->arena, struct token_proof, count);
    for (size_t i = 0; i < count; i++)
        if (!wallet_unblind(proofs + i, outputs + i, &keyset, signatures + i, &err))
            fail_with(&err);
    return (struct token){.mint = SPAN("http://127.0.0.1"),
                          .unit = keyset.keys.unit,
                          .proofs = proofs,
                          .count = (uint32_t)count};
}

struct stall_quote stall_quote(struct stall *stall, const char *unit, const char *job)
{
    struct text body = {0};
    struct wallet_quote read;
    struct err err;
    text_addf(&body, "{\"unit\":\"%s\",\"request\":", unit);
    text_add_json(&body, (struct span){job, strlen(job)});
    text_add(&body, SPAN("}"));
    struct span answer = stall_call(stall, 200, "/v1/melt/quote/compute", text_span(&body));
    text_clear(&body);
    if (!wallet_read_quote(&read, &stall->arena, answer, &err))
        fail_with(&err);
    struct stall_quote quote = {.amount = read.amount, .reserve = read.fee_reserve};
    assert_true(uuid_read(&quote.id, read.id));
    uuid_write(quote.text, &quote.id);
    return quote;
}

void stall_pay(struct stall *stall, const struct stall_quote *quote, const char *unit)
{
    struct token token = stall_token(stall, unit, quote->amount + quote->reserve);
    struct wallet_keyset keyset = keyset_of(stall, unit);
    struct text body = {0};
    struct bytes64 seed;
    size_t count = wallet_blanks(quote->amount + quote->reserve);
    randombytes_buf(&seed, sizeof seed);
    text_addf(&body, "{\"quote\":\"%s\",\"prefer_async\":true,", quote->text);
    wallet_write_inputs(&body, token.proofs, token.count);
    text_add(&body, SPAN(","));
    wallet_write_outputs(&body, &keyset.id,
                         wallet_outputs(&stall->arena, &seed, &keyset.id, 0, NULL, count), count);
    text_add(&body, SPAN("}"));
    (void)stall_call(stall, 200, "/v1/melt/compute", text_span(&body));
    text_clear(&body);
}

uint64_t stall_back(struct stall *stall, const struct stall_quote *quote, struct span *state)
{
    struct wallet_signature *signatures;
    struct wallet_quote read;
    struct err err;
    uint64_t sum = 0;
    size_t count = 0;
    char path[64];
    snprintf(path, sizeof path, "/v1/melt/quote/compute/%s", quote->text);
    struct span answer = stall_call(stall, 200, path, SPAN(""));
    if (!wallet_read_quote(&read, &stall->arena, answer, &err) ||
        !wallet_read_signatures(&signatures, &count, &stall->arena, answer, SPAN("change"), &err))
        fail_with(&err);
    *state = read.state;
    for (size_t i = 0; i < count; i++)
        sum += signatures[i].amount;
    return span_eq(read.state, SPAN("UNPAID")) ? quote->amount + quote->reserve : sum;
}

/* ---- the tables ---- */

static PGresult *run(const struct stall *stall, const char *sql)
{
    struct err err = {0};
    PGconn *conn = database_connect(stall->database, &err);
    if (conn == NULL)
        fail_with(&err);
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    PQfinish(conn);
    return result;
}

int64_t stall_number(const struct stall *stall, const char *sql)
{
    PGresult *result = run(stall, sql);
    assert_int_equal(PQntuples(result), 1);
    int64_t number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return number;
}

void stall_sql(const struct stall *stall, const char *sql)
{
    PQclear(run(stall, sql));
}

static int64_t ask_number(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    int64_t number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return number;
}

void stall_await(const struct stall *stall, const char *sql, int64_t wanted)
{
    struct err err = {0};
    PGconn *conn = database_connect(stall->database, &err);
    if (conn == NULL)
        fail_with(&err);
    PQclear(PQexec(conn, "DO $$ BEGIN EXECUTE format('LISTEN %I', current_schema() || '_window');"
                         " END $$"));
    while (ask_number(conn, sql) != wanted) {
        PGnotify *notify = PQnotifies(conn); /* may have come with the answer */
        struct pollfd poller = {.fd = PQsocket(conn), .events = POLLIN};
        if (notify == NULL && (poll(&poller, 1, AWAIT_MS) != 1 || PQconsumeInput(conn) == 0))
            fail_msg("it has not come to %lld: %s", (long long)wanted, sql);
        PQfreemem(notify);
    }
    PQfinish(conn);
}

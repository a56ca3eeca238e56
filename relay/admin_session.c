#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

#include "relay/admin_job.h"
#include "relay/control_sql.h"
#include "relay/db.h"
#include "relay/log.h"
#include "relay/param.h"
#include "shared/hex.h"

enum { SESSION_S_MAX = 8 * 3600 };

struct login {
    char token[2 * TICKET_TOKEN_BYTES + 1];
    int64_t expires;
};

static void fail(struct admin_job *job, const PGresult *result)
{
    if (result != NULL)
        log_error("admin", "cannot prove: %s", db_error(result));
    admin_refuse(job, 503, "the database is unavailable; try again");
}

/* Takes the parameters over. */
static void ask(struct admin_job *job, struct param_list *params, const char *statement,
                db_reply_fn *reply)
{
    struct db_call call = {.statement = statement, .reply = reply, .owner = job};
    struct err err;
    param_call(params, &call);
    bool is_sent = db_query(control_db_link(job->admin->setup.control_db), &call, &err);
    param_clear(params);
    if (!is_sent)
        admin_fail(job, 503, &err);
}

static void parse_and_run(struct admin_job *job)
{
    struct err err;
    if (rpc_parse(&job->rpc, &job->arena, job->body, &err))
        admin_run(job);
    else
        admin_fail(job, 400, &err);
}

static void on_used(void *owner, const PGresult *result)
{
    struct admin_job *job = owner;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        fail(job, result);
        return;
    }
    if (PQntuples(result) == 0) {
        admin_refuse(job, 401, "this event was used already");
        return;
    }
    job->caller = job->ticket.event.pubkey;
    parse_and_run(job);
}

static void on_holder(void *owner, const PGresult *result)
{
    struct admin_job *job = owner;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        fail(job, result);
        return;
    }
    if (PQntuples(result) == 0 || PQgetlength(result, 0, 0) != sizeof job->caller) {
        admin_refuse(job, 401, "the session has ended");
        return;
    }
    memcpy(&job->caller, PQgetvalue(result, 0, 0), sizeof job->caller);
    if (admin_knows(job->admin, &job->caller))
        parse_and_run(job);
    else
        admin_refuse(job, 403, "this key may not manage the relay");
}

static void add_ticket(struct param_list *params, const struct bytes32 *id,
                       const struct bytes32 *pubkey, int64_t expires, int64_t now)
{
    param_bytes(params, SPAN_OF(*id));
    if (pubkey == NULL)
        param_null(params);
    else
        param_bytes(params, SPAN_OF(*pubkey));
    param_int8(params, expires);
    param_int8(params, now);
}

/* An event is good for as long as its time is: remembered for a while longer, and the clocks of
 * our machines may differ. */
void admin_use_ticket(struct admin_job *job)
{
    struct param_list params = {0};
    const struct ticket *ticket = &job->ticket;
    if (ticket->is_token) {
        param_bytes(&params, SPAN_OF(ticket->hash));
        param_int8(&params, job->now);
        ask(job, &params, CONTROL_SQL_HOLDER, on_holder);
        return;
    }
    add_ticket(&params, &ticket->event.id, NULL, job->now + (int64_t)10 * TICKET_AGE_S_MAX,
               job->now);
    ask(job, &params, CONTROL_SQL_TICKET, on_used);
}

static void on_login(void *owner, const PGresult *result)
{
    struct admin_job *job = owner;
    const struct login *login = job->owned;
    struct text text = {0};
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        fail(job, result);
        return;
    }
    text_addf(&text, "{\"token\":\"%s\",\"expires\":%lld,\"pubkey\":\"", login->token,
              (long long)login->expires);
    text_add_hex(&text, job->caller.at, sizeof job->caller);
    text_add(&text, SPAN("\"}"));
    admin_finish(job, text_span(&text));
    text_clear(&text);
}

void admin_login(struct admin_job *job)
{
    uint8_t random[TICKET_TOKEN_BYTES];
    struct param_list params = {0};
    struct login *login = calloc(1, sizeof *login);
    if (login == NULL || getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        abort();
    hex_encode(login->token, random, sizeof random);
    login->expires = job->now + SESSION_S_MAX;
    job->owned = login;
    struct bytes32 hash = ticket_token_hash(login->token);
    add_ticket(&params, &hash, &job->caller, login->expires, job->now);
    ask(job, &params, CONTROL_SQL_TICKET, on_login);
}

static void on_logout(void *owner, const PGresult *result)
{
    struct admin_job *job = owner;
    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        admin_finish(job, SPAN("true"));
    else
        fail(job, result);
}

void admin_logout(struct admin_job *job)
{
    struct param_list params = {0};
    if (!job->ticket.is_token) {
        admin_refuse(job, 400, "there is no session to end");
        return;
    }
    param_bytes(&params, SPAN_OF(job->ticket.hash));
    ask(job, &params, CONTROL_SQL_LEAVE, on_logout);
}

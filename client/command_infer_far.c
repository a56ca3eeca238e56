/* Its windows come in any order, some perhaps never, and are shown in theirs; what is missing is in
 * the end that the node tells. */
#include "client/command_infer_far.h"

#include <stdlib.h>

#include "client/trade_hire.h"
#include "client/wallet_wire.h"
#include "shared/err.h"
#include "shared/parcel.h"

enum {
    OK = 200,
    AWAY = 503,
    AHEAD_MAX = 64, /* windows that wait for one before them */
    GAP = 4,        /* so many do: that one is asked for */
    TRIES = 4,
    ROUNDS = 60,
    WHY_BYTES_MAX = 200
};

enum { LOOK, FOLLOW, CANCEL, QUESTIONS };

struct infer_far {
    struct arena arena;
    struct span quote; /* its id */
    struct trade_hired hired;
    uint32_t next;                /* the window to be shown */
    struct text ahead[AHEAD_MAX]; /* of next, next + 1, ... in a ring, at their number */
    bool has_ahead[AHEAD_MAX];
    uint32_t waiting;
    bool is_asking;                /* for what is missing */
    uint64_t questions[QUESTIONS]; /* the last of each */
    int tries;
    struct span end; /* the quote as the mint has it, once the job has ended; in the arena */
};

bool infer_is_far(struct span url)
{
    return url.len > 6 && memcmp(url.at, "nostr:", 6) == 0;
}

static void end(struct infer_job *job, struct span why)
{
    if (why.len > 0 && job->why.len == 0)
        home_write_words(&job->why, why, WHY_BYTES_MAX);
    job->stage = INFER_OVER;
    job->ended_ms = home_now();
}

/* ---- what comes ---- */

static void leave_window(struct infer_far *far)
{
    size_t at = far->next++ % AHEAD_MAX;
    far->waiting -= far->has_ahead[at];
    far->has_ahead[at] = false;
    far->ahead[at].len = 0;
}

static void show_next(struct infer_job *job)
{
    struct infer_far *far = job->far;
    while (far->has_ahead[far->next % AHEAD_MAX]) {
        infer_job_show(job, text_span(&far->ahead[far->next % AHEAD_MAX]));
        leave_window(far);
    }
}

/* How it stands: the text of all windows up to some. */
static bool take_work(struct infer_job *job, struct span json, struct err *err)
{
    struct infer_far *far = job->far;
    struct standing standing;
    if (!standing_read(&standing, &far->arena, arena_copy(&far->arena, json), err))
        return false;
    bool is_old =
        standing.windows < far->next && !standing_has_ended(&standing); /* more came since */
    if (!is_old && !infer_job_take(job, &standing))
        err_fill(err, ERR_INVALID, "the node tells another answer than it had given");
    while (!is_old && far->next < standing.windows)
        leave_window(far);
    show_next(job);
    if (standing_has_ended(&standing)) {
        far->end = standing.quote;
        end(job, SPAN(""));
    }
    return is_old || standing.text.len >= job->said.len ||
           err_set(err, ERR_INVALID, "the node tells less than it had given");
}

static void ask(struct infer_job *job, int what);

static void on_looked(void *owner, const struct teller_answer *answer)
{
    struct infer_job *job = owner;
    struct err err;
    job->far->is_asking = false;
    if (answer->status == OK && job->stage == INFER_ANSWER && !take_work(job, answer->body, &err))
        end(job, command_span(err.text));
}

static void on_followed(void *owner, const struct teller_answer *answer)
{
    struct infer_job *job = owner;
    struct err err;
    if (job->stage != INFER_ANSWER)
        return;
    if (answer->status == OK && !take_work(job, answer->body, &err))
        end(job, command_span(err.text));
    else if (answer->status != OK && answer->status != 0 && answer->status != AWAY)
        end(job, SPAN("the node knows nothing of it any more"));
    if (job->stage == INFER_OVER)
        return;
    if (++job->far->tries < TRIES)
        ask(job, FOLLOW);
    else
        end(job, command_span(answer->why != NULL ? answer->why : "it is always too busy"));
}

static void on_heard(void *owner, const struct event *rumor)
{
    struct infer_job *job = owner;
    struct infer_far *far = job->far;
    struct arena arena = {0};
    struct parcel_chunk chunk;
    if (parcel_read_chunk(&chunk, &arena, rumor, NULL) && span_eq(chunk.job, far->quote) &&
        chunk.seq >= far->next && chunk.seq - far->next < AHEAD_MAX &&
        !far->has_ahead[chunk.seq % AHEAD_MAX]) {
        far->tries = 0;
        far->has_ahead[chunk.seq % AHEAD_MAX] = true;
        text_add(&far->ahead[chunk.seq % AHEAD_MAX], chunk.text);
        far->waiting++;
        show_next(job);
    }
    arena_clear(&arena);
    if (far->waiting < GAP || far->is_asking)
        return;
    far->is_asking = true;
    ask(job, LOOK);
}

static void ask(struct infer_job *job, int what)
{
    static const char *const rests[] = {[LOOK] = "", [FOLLOW] = "/follow", [CANCEL] = "/cancel"};
    struct infer_far *far = job->far;
    far->questions[what] = teller_ask(
        job->trade.teller,
        &(struct teller_question){.method = what == CANCEL ? SPAN("POST") : SPAN("GET"),
                                  .path = trade_job_path(&far->arena, &far->hired.y, rests[what]),
                                  .body = what == CANCEL ? SPAN("{}") : SPAN(""),
                                  .heard = what == FOLLOW ? on_heard : NULL,
                                  .answered = what == FOLLOW ? on_followed : on_looked,
                                  .owner = job});
}

/* ---- what it costs ---- */

static void on_priced(void *owner, const struct teller_answer *answer)
{
    struct infer_job *job = owner;
    struct infer_far *far = job->far;
    struct wallet_refusal refusal;
    struct wallet_quote quote;
    struct err err;
    job->status = answer->status;
    if (answer->status == 0) {
        end(job, command_span(answer->why));
        return;
    }
    struct span body = arena_copy(&far->arena, answer->body);
    if (answer->status != OK) {
        wallet_read_refusal(&refusal, &far->arena, body);
        end(job, refusal.detail.len > 0 ? refusal.detail : SPAN("it refuses"));
    } else if (!wallet_read_quote(&quote, &far->arena, body, &err)) {
        end(job, command_span(err.text));
    } else if (__builtin_add_overflow(quote.amount, quote.fee_reserve, &job->amount)) {
        end(job, SPAN("it wants more than can be counted"));
    } else {
        far->quote = quote.id;
        job->stage = INFER_PRICED;
    }
}

void infer_far_begin(struct infer_job *job)
{
    struct text body = {0};
    struct infer_far *far = calloc(1, sizeof *far);
    if (far == NULL)
        abort();
    infer_far_free(job);
    job->far = far;
    trade_write_job(&body, command_span(job->unit), job->body);
    job->question = teller_ask(job->trade.teller,
                               &(struct teller_question){.method = SPAN("POST"),
                                                         .path = SPAN("/v1/melt/quote/compute"),
                                                         .body = text_span(&body),
                                                         .answered = on_priced,
                                                         .owner = job});
    text_clear(&body);
}

bool infer_far_pay(struct infer_job *job, struct err *err)
{
    const struct purse_payment payment = {.mint = job->trade.mint.number,
                                          .unit = command_span(job->unit),
                                          .quote = job->far->quote,
                                          .amount = job->amount,
                                          .now_ms = home_now()};
    uint64_t before, after;
    if (job->amount == 0 || job->amount > job->most)
        return err_set(err, ERR_INVALID, "the node wants more than it is to have at most");
    if (!infer_money_balance(job, &before, err) ||
        !trade_hire(&job->trade, &job->far->hired, &job->far->arena, &payment, err))
        return false;
    job->has_begun = true;
    job->spent = infer_money_balance(job, &after, err) && before > after ? before - after : 0;
    job->finish = SPAN("");
    job->stage = INFER_ANSWER;
    ask(job, FOLLOW);
    return true;
}

void infer_far_stop(struct infer_job *job)
{
    if (job->stage == INFER_ANSWER)
        ask(job, CANCEL);
}

/* ---- what comes back ---- */

/* The node is at it still, or was lost: whether it has ended since. */
static void await_end(struct infer_job *job)
{
    struct infer_far *far = job->far;
    struct standing standing;
    struct err err;
    for (int round = 0; round < ROUNDS; round++) {
        if (!trade_look(&job->trade, &standing, &far->arena, &far->hired.y, &err))
            return;
        if (standing_has_ended(&standing)) {
            far->end = standing.quote;
            bool is_same = infer_job_take(job, &standing);
            if (!is_same && job->why.len == 0)
                text_add(&job->why, SPAN("the node tells another answer than it had given"));
            return;
        }
        infer_wait(job->loop);
    }
}

bool infer_far_settle(struct infer_job *job, struct err *err)
{
    struct infer_far *far = job->far;
    struct arena arena = {0};
    struct purse_trade known;
    size_t open;
    for (size_t i = 0; i < QUESTIONS; i++)
        teller_drop(job->trade.teller, i == CANCEL ? 0 : far->questions[i]);
    if (far->hired.trade == 0)
        return true;
    if (job->has_begun && far->end.len == 0)
        await_end(job);
    teller_drop(job->trade.teller, far->questions[CANCEL]);
    bool ok = far->end.len > 0
                  ? purse_end(job->trade.purse, far->hired.trade, far->end, home_now(), err)
                  : trade_settle(&job->trade, &open, err);
    ok = ok && purse_trade(job->trade.purse, &known, &arena, far->hired.trade, err) &&
         (known.state == PURSE_DONE || known.state == PURSE_FAILED);
    if (ok)
        job->spent = known.state == PURSE_DONE ? known.amount + known.fee : 0;
    arena_clear(&arena);
    return ok;
}

void infer_far_free(struct infer_job *job)
{
    struct infer_far *far = job->far;
    if (far == NULL)
        return;
    for (size_t i = 0; i < AHEAD_MAX; i++)
        text_clear(&far->ahead[i]);
    arena_clear(&far->arena);
    free(far);
    job->far = NULL;
}

/* The rest of an answer whose connection is lost: the node is asked what became of the job, by a
 * coin that paid for it. */
#include "client/command_infer_job.h"
#include "client/token.h"
#include "client/trade_hire.h"
#include "shared/err.h"

enum { OK = 200, ROUNDS = 20, WHY_BYTES_MAX = 200 };

static bool find_coin(struct bytes33 *y, struct arena *arena, const struct text *token)
{
    struct token read;
    struct err ignored;
    bool ok = token_read(&read, arena, text_span(token), &ignored) && read.count > 0;
    if (ok)
        *y = wallet_point(&read.proofs[0]);
    return ok;
}

static void take_end(struct infer_job *job, const struct standing *standing)
{
    job->status = OK;
    job->is_whole = span_eq(standing->state, SPAN("COMPLETED"));
    job->finish = standing->is_cut ? SPAN("length") : SPAN("stop");
    job->prompt_tokens = standing->prompt_tokens;
    job->output_tokens = standing->output_tokens;
    job->ended_ms = home_now();
    job->why.len = job->receipt.len = 0;
    text_add(&job->receipt, standing->receipt);
    if (!job->is_whole)
        home_write_words(&job->why, standing->why.len > 0 ? standing->why : standing->state,
                         WHY_BYTES_MAX);
}

bool infer_job_take(struct infer_job *job, const struct standing *standing)
{
    const struct text *said = &job->said;
    bool is_same = standing->text.len >= said->len &&
                   (said->len == 0 || memcmp(standing->text.at, said->at, said->len) == 0);
    if (is_same)
        infer_job_show(
            job, (struct span){standing->text.at + said->len, standing->text.len - said->len});
    if (standing_has_ended(standing))
        take_end(job, standing);
    return is_same;
}

void infer_job_rest(struct infer_job *job)
{
    struct arena arena = {0};
    struct bytes33 y;
    struct standing standing;
    struct err err;
    bool goes_on = !job->is_interrupted && !job->is_lost && !job->is_whole &&
                   (job->status == 0 || job->status == OK) && find_coin(&y, &arena, &job->token);
    for (int round = 0; goes_on && round < ROUNDS; round++) {
        size_t before = job->said.len;
        if (trade_look(&job->trade, &standing, &arena, &y, &err))
            goes_on = infer_job_take(job, &standing) && !standing_has_ended(&standing);
        else
            goes_on = err.code == ERR_INTERNAL; /* else the node says no */
        if (job->said.len > before)
            round = 0;
        if (goes_on)
            infer_wait(job->loop);
    }
    arena_clear(&arena);
}

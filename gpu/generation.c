#include "gpu/generation.h"

#include <stdlib.h>
#include <time.h>

#include "gpu/detokenizer.h"
#include "gpu/exec.h"
#include "gpu/vocabulary.h"
#include "shared/err.h"

/* What changes while an answer is made. */
struct work {
    const struct generation_call *call;
    struct generation *generation;
    struct sampler sampler;
    struct detokenizer detokenizer;
    struct stopper stopper;
    struct text text, piece;
    struct tokens tokens; /* the prompt's and the answer's */
    float *logits;
    uint64_t began;
    uint64_t first_bytes; /* of weights, until the first token */
};

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Runs the tokens that the session does not have yet; logits are the last one's. */
static bool catch_up(struct work *work, struct err *err)
{
    const struct generation_call *call = work->call;
    uint32_t end = (uint32_t)work->tokens.count;
    for (uint32_t at = exec_length(call->exec, call->session); at < end;) {
        uint32_t count = end - at < call->rows_max ? end - at : call->rows_max;
        struct exec_span span = {.session = call->session,
                                 .position = at,
                                 .count = count,
                                 .tokens = work->tokens.at + at,
                                 .logits = work->logits,
                                 .logit_count = at + count == end};
        if (!exec_step(call->exec, &span, 1, err))
            return false;
        if (span.verdict == EXEC_NO_PAGES)
            return err_set(err, ERR_RATE_LIMITED, "no memory is left for keys and values");
        if (span.verdict != EXEC_DONE)
            return err_set(err, ERR_INTERNAL, "a step was refused: %d", (int)span.verdict);
        at += count;
    }
    return true;
}

/* Tells what has become text. False when the answer ends with it. */
static bool tell(struct work *work, bool is_last)
{
    const struct generation_call *call = work->call;
    bool goes_on = true;
    if (work->text.len > 0)
        goes_on = stopper_add(&work->stopper, &work->piece, text_span(&work->text));
    if (!goes_on)
        work->generation->end = GENERATION_STOPPED;
    if (is_last)
        stopper_end(&work->stopper, &work->piece);
    if (work->piece.len > 0 && !call->tell(call->owner, text_span(&work->piece))) {
        work->generation->end = GENERATION_LEFT;
        goes_on = false;
    }
    work->text.len = 0;
    work->piece.len = 0;
    return goes_on;
}

/* The next token, and its text. is_done: it was the last. */
static bool step(struct work *work, bool *is_done, struct err *err)
{
    const struct generation_call *call = work->call;
    struct generation *generation = work->generation;
    struct sampler_text said = {work->tokens.at, work->tokens.count};
    uint32_t token;
    if (!catch_up(work, err) ||
        !sampler_pick(&work->sampler, &token, work->logits, work->tokens.count, said, err))
        return false;
    uint64_t now = nanoseconds();
    uint64_t bytes = exec_statistics(call->exec).weight_bytes;
    if (generation->tokens == 0) {
        generation->first_nanoseconds = now - work->began;
        work->first_bytes = bytes;
    }
    generation->weight_bytes = bytes - work->first_bytes;
    generation->nanoseconds = now - work->began - generation->first_nanoseconds;
    *is_done = true;
    if (tokenizer_is_end(call->tokenizer, token) || token == call->end_token)
        return true;
    tokens_add(&work->tokens, token);
    generation->tokens++;
    detokenizer_add(&work->detokenizer, &work->text, token);
    if (!tell(work, false))
        return true;
    *is_done = generation->tokens == call->tokens_max;
    if (*is_done)
        generation->end = GENERATION_FULL;
    return true;
}

static bool answer(struct work *work, struct err *err)
{
    const struct generation_call *call = work->call;
    bool is_done = false;
    work->logits = calloc(call->vocabulary, sizeof *work->logits);
    if (work->logits == NULL)
        abort();
    for (size_t i = 0; i < call->prompt->count; i++)
        tokens_add(&work->tokens, call->prompt->at[i]);
    for (size_t i = 0; i < call->stop_count; i++)
        work->stopper.strings[work->stopper.count++] = call->stops[i];
    detokenizer_begin(&work->detokenizer, call->tokenizer, 0);
    work->began = nanoseconds();
    while (!is_done)
        if (!step(work, &is_done, err))
            return false;
    enum generation_end end = work->generation->end;
    if (end == GENERATION_ENDED || end == GENERATION_FULL) { /* the others have told all */
        detokenizer_end(&work->detokenizer, &work->text);
        (void)tell(work, true);
    }
    return true;
}

bool generation_run(struct generation *generation, const struct generation_call *call,
                    struct err *err)
{
    struct work work = {.call = call, .generation = generation};
    size_t prompt = call->prompt->count;
    if (prompt == 0 || call->tokens_max == 0)
        return err_set(err, ERR_INVALID, "nothing is asked");
    if (call->stop_count > STOPPER_STRINGS_MAX)
        return err_set(err, ERR_INVALID, "%zu stop strings; at most %d", call->stop_count,
                       STOPPER_STRINGS_MAX);
    for (size_t i = 0; i < call->stop_count; i++)
        if (call->stops[i].len == 0)
            return err_set(err, ERR_INVALID, "an empty stop string");
    if (prompt >= call->context)
        return err_set(err, ERR_INVALID, "a prompt of %zu tokens; the context is %u", prompt,
                       call->context);
    uint32_t room = call->context - (uint32_t)prompt;
    uint32_t wanted = call->tokens_max < room ? call->tokens_max : room;
    struct generation_call bounded = *call;
    bounded.tokens_max = wanted;
    work.call = &bounded;
    *generation = (struct generation){.prompt_tokens = (uint32_t)prompt};
    if (!sampler_open(&work.sampler, call->sampler, call->vocabulary, err))
        return false;
    bool ok = exec_session_open(call->exec, call->session, (uint32_t)prompt + wanted, err);
    if (ok) {
        ok = answer(&work, err);
        exec_session_close(call->exec, call->session);
    }
    sampler_clear(&work.sampler);
    stopper_clear(&work.stopper);
    tokens_clear(&work.tokens);
    text_clear(&work.text);
    text_clear(&work.piece);
    free(work.logits);
    return ok;
}

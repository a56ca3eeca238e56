#include "gpu/answer.h"

#include <assert.h>
#include <math.h>

#include "shared/err.h"

static bool check(const struct answer_request *request, uint32_t vocabulary, uint32_t context,
                  struct err *err)
{
    if (request->prompt_count == 0 || request->tokens_max == 0)
        return err_set(err, ERR_INVALID, "nothing is asked");
    if (request->prompt_count >= context)
        return err_set(err, ERR_INVALID, "a prompt of %u tokens; the context is %u",
                       request->prompt_count, context);
    for (uint32_t i = 0; i < request->prompt_count; i++)
        if (request->prompt[i] >= vocabulary)
            return err_set(err, ERR_INVALID, "token %u; the vocabulary has %u", request->prompt[i],
                           vocabulary);
    if (request->stop_count > STOPPER_STRINGS_MAX)
        return err_set(err, ERR_INVALID, "%zu stop strings; at most %d", request->stop_count,
                       STOPPER_STRINGS_MAX);
    for (size_t i = 0; i < request->stop_count; i++)
        if (request->stops[i].len == 0)
            return err_set(err, ERR_INVALID, "an empty stop string");
    return request->likely <= ANSWER_LIKELY_MAX ||
           err_set(err, ERR_INVALID, "the %u likeliest tokens; at most %d", request->likely,
                   ANSWER_LIKELY_MAX);
}

/* What the caller lent becomes the answer's own. */
static void copy(struct answer *answer)
{
    struct answer_request *request = &answer->request;
    for (uint32_t i = 0; i < request->prompt_count; i++)
        tokens_add(&answer->tokens, request->prompt[i]);
    for (size_t i = 0; i < request->stop_count; i++)
        answer->stopper.strings[i] = arena_copy(&answer->arena, request->stops[i]);
    answer->stopper.count = request->stop_count;
    struct span biases = {(const char *)request->sampler.biases,
                          request->sampler.bias_count * sizeof *request->sampler.biases};
    void *room = arena_alloc(&answer->arena, biases.len + 1);
    if (biases.len > 0)
        memcpy(room, biases.at, biases.len);
    request->sampler.biases = room;
    request->prompt = NULL;
    request->stops = NULL;
}

bool answer_begin(struct answer *answer, const struct answer_request *request,
                  const struct tokenizer *tokenizer, uint32_t vocabulary, uint32_t context,
                  struct err *err)
{
    struct sampler sampler;
    if (!check(request, vocabulary, context, err) ||
        !sampler_open(&sampler, &request->sampler, vocabulary, err))
        return false;
    *answer = (struct answer){
        .request = *request, .tokenizer = tokenizer, .vocabulary = vocabulary, .sampler = sampler};
    copy(answer);
    answer->sampler.options = answer->request.sampler;
    uint32_t room = context - request->prompt_count;
    if (answer->request.tokens_max > room)
        answer->request.tokens_max = room;
    if (tokenizer != NULL)
        detokenizer_begin(&answer->detokenizer, tokenizer, 0);
    return true;
}

void answer_clear(struct answer *answer)
{
    sampler_clear(&answer->sampler);
    stopper_clear(&answer->stopper);
    tokens_clear(&answer->tokens);
    text_clear(&answer->text);
    text_clear(&answer->piece);
    arena_clear(&answer->arena);
}

uint32_t answer_positions(const struct answer *answer)
{
    return answer->request.prompt_count + answer->request.tokens_max;
}

static void end(struct answer *answer, enum answer_end how)
{
    answer->has_ended = true;
    answer->end = how;
}

/* Tells a piece with what has become text. */
static void tell(struct answer *answer, struct answer_piece *piece, bool is_last)
{
    bool goes_on = true;
    if (answer->text.len > 0)
        goes_on = stopper_add(&answer->stopper, &answer->piece, text_span(&answer->text));
    if (!goes_on)
        end(answer, ANSWER_STOPPED);
    if (is_last)
        stopper_end(&answer->stopper, &answer->piece);
    piece->text = text_span(&answer->piece);
    if ((piece->has_token || piece->text.len > 0) &&
        !answer->request.tell(answer->request.owner, piece))
        end(answer, ANSWER_LEFT);
    answer->text.len = 0;
    answer->piece.len = 0;
}

/* Tells what was held back. */
static void finish(struct answer *answer, enum answer_end how)
{
    struct answer_piece piece = {0};
    end(answer, how);
    if (answer->tokenizer != NULL)
        detokenizer_end(&answer->detokenizer, &answer->text);
    tell(answer, &piece, true);
}

/* The logarithm of what all the exponents come to. */
static double total(const float *logits, uint32_t count)
{
    float best = logits[0];
    double sum = 0;
    for (uint32_t i = 1; i < count; i++)
        best = logits[i] > best ? logits[i] : best;
    for (uint32_t i = 0; i < count; i++)
        sum += exp((double)logits[i] - (double)best);
    return (double)best + log(sum);
}

/* The likeliest tokens, of two alike the first; how many. */
static uint32_t rank(struct answer_likely *likely, uint32_t wanted, const float *logits,
                     uint32_t count)
{
    uint32_t found = 0;
    for (uint32_t token = 0; token < count && wanted > 0; token++) {
        if (found == wanted && logits[token] <= likely[found - 1].log_probability)
            continue;
        uint32_t at = found < wanted ? found++ : found - 1;
        for (; at > 0 && likely[at - 1].log_probability < logits[token]; at--)
            likely[at] = likely[at - 1];
        likely[at] = (struct answer_likely){token, logits[token]};
    }
    return found;
}

bool answer_grow(struct answer *answer, const float *logits, struct err *err)
{
    const struct answer_request *request = &answer->request;
    struct sampler_text said = {answer->tokens.at, answer->tokens.count};
    struct answer_likely likely[ANSWER_LIKELY_MAX];
    uint32_t token;
    assert(!answer->has_ended);
    if (!sampler_pick(&answer->sampler, &token, logits, answer->tokens.count, said, err))
        return false;
    if (token == request->end_token ||
        (answer->tokenizer != NULL && tokenizer_is_end(answer->tokenizer, token))) {
        finish(answer, ANSWER_ENDED);
        return true;
    }
    struct answer_piece piece = {.has_token = true, .token.token = token, .likely = likely};
    if (request->wants_probability || request->likely > 0) {
        double sum = total(logits, answer->vocabulary);
        piece.token.log_probability = (float)((double)logits[token] - sum);
        piece.likely_count = rank(likely, request->likely, logits, answer->vocabulary);
        for (uint32_t i = 0; i < piece.likely_count; i++)
            likely[i].log_probability = (float)((double)likely[i].log_probability - sum);
    }
    tokens_add(&answer->tokens, token);
    answer->count++;
    if (answer->tokenizer != NULL)
        detokenizer_add(&answer->detokenizer, &answer->text, token);
    tell(answer, &piece, false);
    if (!answer->has_ended && answer->count == request->tokens_max)
        finish(answer, ANSWER_FULL);
    return true;
}

/* What is remembered of nodes: receipts, how each job went, and what relays are told of it. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>

#include "client/catalog.h"
#include "client/command_infer.h"
#include "client/command_send.h"
#include "client/deed.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/testimony.h"
#include "shared/err.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/verdict.h"

enum { WORDS_MAX = 4096, MEMORY_S = 16 * 14 * 86400, OK = 200, SERVER_ERRORS = 500 };

/* ---- what was ---- */

struct recall {
    struct infer *infer;
    const struct bytes64 *seed;
    struct bytes32 session; /* looked for */
    struct receipt_counter *newest;
};

/* What this wallet has signed: nobody else has the keys. */
static bool is_ours(const struct recall *recall, const struct receipt_counter *counter,
                    const struct market_deal *deal, int64_t signed_at)
{
    const struct testimony_about about = {counter->provider, counter->unit, signed_at};
    struct bytes32 session;
    struct keys *keys = testimony_keys(&session, recall->seed, &about);
    bool is = memcmp(keys_pubkey(keys), &deal->buyer, sizeof deal->buyer) == 0;
    keys_free(keys);
    return is;
}

static bool read_word(struct market_deal *deal, struct receipt_counter *counter,
                      struct arena *arena, const struct catalog_event *kept)
{
    struct event event;
    return event_parse(&event, arena, kept->json, NULL) &&
           testimony_read(deal, counter, arena, &event, NULL);
}

static bool recall_one(void *owner, const struct catalog_event *kept)
{
    struct recall *recall = owner;
    struct arena arena = {0};
    struct receipt_counter counter;
    struct market_deal deal;
    if (read_word(&deal, &counter, &arena, kept) &&
        is_ours(recall, &counter, &deal, kept->created_at)) {
        deal.is_own = true;
        market_deal(recall->infer->survey.market, &deal);
    }
    arena_clear(&arena);
    return true;
}

/* What we have found out ourselves. */
static bool recall_verdict(void *owner, const struct catalog_event *kept)
{
    struct recall *recall = owner;
    struct arena arena = {0};
    struct verdict verdict;
    struct event event;
    if (event_parse(&event, &arena, kept->json, NULL) &&
        verdict_read(&verdict, &arena, &event, NULL))
        market_deal(recall->infer->survey.market,
                    &(struct market_deal){.node = verdict.node,
                                          .at = kept->created_at,
                                          .is_own = true,
                                          .is_audit = true,
                                          .is_good = verdict_is_right(&verdict)});
    arena_clear(&arena);
    return true;
}

bool infer_recall(struct infer *infer, struct err *err)
{
    static const uint16_t kinds[] = {KIND_COUNTER_RECEIPT, KIND_VERDICT};
    const struct filter verdicts = {.since = time(NULL) - MEMORY_S,
                                    .until = INT64_MAX,
                                    .limit = WORDS_MAX,
                                    .authors = {1, holder_pubkey(infer->pocket.holder)},
                                    .kinds = {1, &kinds[1]}};
    const struct filter filter = {.since = time(NULL) - MEMORY_S,
                                  .until = INT64_MAX,
                                  .limit = WORDS_MAX,
                                  .kinds = {1, kinds}};
    struct recall recall = {.infer = infer, .seed = purse_seed(infer->pocket.trade.purse)};
    return catalog_each(infer->pocket.store, &filter, recall_one, &recall, err) &&
           catalog_each(infer->pocket.store, &verdicts, recall_verdict, &recall, err);
}

/* ---- what is now ---- */

/* Of a session that which counts the most, as a stamp does not tell two of one second apart. */
static bool find_newest(void *owner, const struct catalog_event *kept)
{
    struct recall *recall = owner;
    struct arena arena = {0};
    struct receipt_counter counter, *newest = recall->newest;
    struct market_deal deal;
    if (read_word(&deal, &counter, &arena, kept) &&
        memcmp(&counter.session, &recall->session, sizeof counter.session) == 0 &&
        (uint64_t)counter.jobs + counter.failed > (uint64_t)newest->jobs + newest->failed) {
        counter.unit = newest->unit; /* the same, and it stays */
        *newest = counter;
    }
    arena_clear(&arena);
    return true;
}

struct word {
    struct infer *infer;
    struct keys *keys;
    struct receipt_counter counter;
    struct testimony_job job;
    struct span receipt; /* JSON; empty: it came to no good */
    struct event event;
};

static bool put_word(struct word *word, struct err *err)
{
    static const uint16_t kinds[] = {KIND_COUNTER_RECEIPT};
    struct store *store = word->infer->pocket.store;
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = WORDS_MAX,
                                  .authors = {1, keys_pubkey(word->keys)},
                                  .kinds = {1, kinds}};
    struct recall recall = {.session = word->counter.session, .newest = &word->counter};
    struct bytes32 aux;
    enum store_verdict verdict;
    if (!catalog_each(store, &filter, find_newest, &recall, err))
        return false;
    testimony_add(&word->counter, &word->job);
    testimony_write(&word->event, &word->infer->arena, &word->counter, word->receipt);
    word->event.created_at = time(NULL);
    randombytes_buf(&aux, sizeof aux);
    keys_sign(word->keys, &word->event, &aux);
    return store_put(store, &verdict, &word->event, NULL, 0, err);
}

/* Another of this wallet's commands may be at it, too. */
static bool keep_word(struct word *word, struct err *err)
{
    struct store *store = word->infer->pocket.store;
    if (!store_begin(store, err))
        return false;
    if (put_word(word, err) && store_commit(store, err))
        return true;
    store_rollback(store);
    return false;
}

/* To the relays that were of help. Who says it is the key of the session, not whom it is of. */
void infer_tell(struct infer *infer)
{
    const struct survey *survey = &infer->survey;
    const char *urls[SURVEY_RELAYS_MAX];
    struct send_call call = {.net = &infer->pocket.net,
                             .relays = urls,
                             .events = infer->words,
                             .event_count = infer->word_count,
                             .is_quiet = true};
    for (uint32_t i = 0; i < survey->road_count; i++) {
        struct text url = {0};
        text_add(&url, survey->roads[i].url);
        text_add(&url, SPAN("\0"));
        if (!survey->roads[i].is_lost)
            urls[call.relay_count++] = arena_copy(&infer->arena, text_span(&url)).at;
        text_clear(&url);
    }
    if (call.relay_count > 0 && call.event_count > 0)
        (void)send_events(&call); /* what a relay did not take is said, and is in the store */
    infer->word_count = 0;
}

/* What a key says counts all that it said before. */
void infer_tell_later(struct infer *infer, const struct event *word)
{
    size_t i = 0;
    while (i < infer->word_count &&
           memcmp(&infer->words[i].pubkey, &word->pubkey, sizeof word->pubkey) != 0)
        i++;
    if (i == infer->word_count)
        infer->words = arena_grow(&infer->arena, struct event, infer->words, infer->word_count++);
    infer->words[i] = *word;
}

static uint32_t bounded(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static void remember(struct infer *infer, const struct infer_job *job,
                     const struct receipt *receipt)
{
    const struct span unit = {job->unit, strlen(job->unit)};
    const struct testimony_about about = {job->node, unit, time(NULL)};
    uint64_t ms = job->ended_ms > job->first_ms ? job->ended_ms - job->first_ms : 1;
    struct word word = {
        .infer = infer,
        .counter = {.provider = job->node, .unit = unit},
        .job = {.receipt = receipt,
                .first_ms =
                    bounded(job->first_ms > job->began_ms ? job->first_ms - job->began_ms : 0),
                .rate = bounded(UINT64_C(1000000) * job->output_tokens / ms)},
        .receipt = receipt != NULL ? text_span(&job->receipt) : SPAN("")};
    struct err err;
    word.keys =
        testimony_keys(&word.counter.session, purse_seed(infer->pocket.trade.purse), &about);
    if (!keep_word(&word, &err))
        fprintf(stderr, "shoal infer: how it went is not kept: %s\n", err.text);
    else if (receipt != NULL && command_value(infer->call, "no-receipt") == NULL)
        infer_tell_later(infer, &word.event);
    keys_free(word.keys);
}

/* So that it can be checked later: an answer to all that was asked. */
static bool keep_deed(struct infer *infer, const struct infer_job *job, const struct event *event,
                      const struct receipt *receipt, struct err *err)
{
    const struct deed deed = {.prompt = infer->prompt,
                              .tokens = text_span(&job->tokens),
                              .seed = infer->seed,
                              .tokens_max = infer->tokens_max,
                              .receipt = text_span(&job->receipt)};
    if (!deed_check(receipt, deed.tokens, infer->seed, err))
        return false;
    return infer->claimed.len > 0 || infer->prompt_count > 1 ||
           deed_keep(infer->pocket.store, &deed, event, receipt, err);
}

/* The receipt is kept in the store, for whoever wants to see it later. False: it is none, or says
 * something else than what was spent, or than came. */
static bool keep_receipt(struct infer *infer, const struct infer_job *job, struct receipt *receipt)
{
    struct event event;
    enum store_verdict verdict;
    struct err err;
    if (!infer_job_receipt(job, &event, receipt, &infer->arena, &err) ||
        !store_put(infer->pocket.store, &verdict, &event, NULL, 0, &err)) {
        fprintf(stderr, "shoal infer: no receipt: %s\n", err.text);
        return false;
    }
    if (!keep_deed(infer, job, &event, receipt, &err)) {
        fprintf(stderr, "shoal infer: %s\n", err.text);
        return false;
    }
    if (receipt->amount == job->spent && span_eq(receipt->unit, command_span(job->unit)))
        return true;
    fprintf(stderr, "shoal infer: the receipt says %" PRIu64 " units, %" PRIu64 " were spent\n",
            receipt->amount, job->spent);
    return false;
}

void infer_remember(struct infer *infer, const struct infer_job *job, bool is_whole)
{
    struct receipt receipt;
    bool has_receipt = job->receipt.len > 0 && keep_receipt(infer, job, &receipt);
    if (is_whole && has_receipt)
        remember(infer, job, &receipt);
    else if (job->has_begun && !job->is_interrupted && !job->is_lost &&
             (job->status == 0 || job->status == OK || job->status >= SERVER_ERRORS))
        remember(infer, job, NULL);
}

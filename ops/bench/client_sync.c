/* client_sync.c - what a sync costs beside its network: finding out what differs, taking it in. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/catalog.h"
#include "client/store.h"
#include "ops/bench/client_bench.h"
#include "ops/bench/corpus.h"
#include "ops/bench/dice.h"
#include "ops/bench/fatal.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/negentropy.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { SEED = 5, START = 1700000000, A_DAY = 1000, FRAME_BYTES = 60000, AT_ONCE = 1000 };

/* ---- reconciling ---- */

struct told {
    size_t have, need;
};

static void on_id(void *owner, enum negentropy_verdict verdict, const struct bytes32 *id)
{
    struct told *told = owner;
    (void)id;
    told->have += verdict == NEGENTROPY_HAVE;
    told->need += verdict == NEGENTROPY_NEED;
}

/* How far the two come; messages to and fro. */
static size_t run(const struct negentropy *ours, const struct negentropy *theirs, size_t *bytes)
{
    struct text message = {0}, answer = {0};
    struct err err;
    size_t rounds = 0;
    negentropy_initiate(ours, &message);
    while (message.len > 0) {
        rounds++;
        answer.len = 0;
        if (!negentropy_reconcile(theirs, &answer, text_span(&message), &err))
            fatal("%s", err.text);
        *bytes += message.len + answer.len;
        message.len = 0;
        if (!negentropy_reconcile(ours, &message, text_span(&answer), &err))
            fatal("%s", err.text);
    }
    text_clear(&message);
    text_clear(&answer);
    return rounds;
}

/* lacking of count, which only one side has: the newest, or anywhere. */
static void reconcile(const char *name, size_t count, size_t lacking, bool is_anywhere)
{
    struct negentropy_record *all = fatal_alloc(count, sizeof *all);
    struct negentropy_record *some = fatal_alloc(count, sizeof *some);
    struct dice dice = {SEED};
    struct told told = {0};
    size_t kept = 0, left = lacking, bytes = 0;
    for (size_t i = 0; i < count; i++) {
        all[i].created_at = START + (int64_t)(i / A_DAY) * 86400 + (int64_t)(i % A_DAY) * 86;
        for (size_t j = 0; j < sizeof all[i].id.at; j++)
            all[i].id.at[j] = (uint8_t)dice_throw(&dice);
    }
    for (size_t i = 0; i < count; i++) {
        bool is_left_out = is_anywhere ? dice_below(&dice, count - i) < left : i >= count - lacking;
        left -= is_left_out;
        if (!is_left_out)
            some[kept++] = all[i];
    }
    double start_s = bench_cpu_s();
    const struct negentropy theirs = {
        .records = all, .count = negentropy_seal(all, count), .frame_bytes_max = FRAME_BYTES};
    const struct negentropy ours = {.records = some,
                                    .count = negentropy_seal(some, kept),
                                    .frame_bytes_max = FRAME_BYTES,
                                    .on_id = on_id,
                                    .owner = &told};
    size_t rounds = run(&ours, &theirs, &bytes);
    if (told.need < lacking || told.have > 0)
        fatal("%zu of %zu found", told.need, lacking);
    printf("%s_rounds %zu\n%s_bytes %zu\n%s_ms %.1f\n", name, rounds, name, bytes, name,
           (bench_cpu_s() - start_s) * 1e3);
    free(all);
    free(some);
}

void bench_reconcile(size_t count, size_t lacking)
{
    reconcile("newest", count, lacking, false);
    reconcile("anywhere", count, lacking, true);
}

/* ---- taking in ---- */

static void verify(const struct corpus_event *from, size_t count, double *cpu_s)
{
    struct arena arena = {0};
    struct event *events = fatal_alloc(count, sizeof *events);
    struct err err;
    for (size_t i = 0; i < count; i++)
        if (!event_parse(&events[i], &arena, from[i].json, &err))
            fatal("%s", err.text);
    double start_s = bench_cpu_s();
    for (size_t i = 0; i < count; i++)
        if (!sig_verify(&events[i].sig, &events[i].id, &events[i].pubkey))
            fatal("a signature that is wrong");
    *cpu_s += bench_cpu_s() - start_s;
    free(events);
    arena_clear(&arena);
}

/* As a sync does with what a relay sent. */
static void ingest(struct store *store, struct sig_keys *known, const struct corpus_event *from,
                   size_t count, double *cpu_s)
{
    struct arena arena = {0};
    enum store_verdict verdict;
    struct event event;
    struct err err;
    double start_s = bench_cpu_s();
    if (!store_begin(store, &err))
        fatal("%s", err.text);
    for (size_t i = 0; i < count; i++) {
        if (!event_parse(&event, &arena, from[i].json, &err) || !event_check_id(&event) ||
            !sig_verify_with(known, &event.sig, &event.id, &event.pubkey) ||
            !store_put(store, &verdict, &event, NULL, 0, &err))
            fatal("an event that is none");
        arena_clear(&arena);
    }
    if (!store_commit(store, &err))
        fatal("%s", err.text);
    *cpu_s += bench_cpu_s() - start_s;
}

void bench_ingest(const char *path, size_t count, const char *folder)
{
    struct corpus corpus;
    struct err err;
    double bare_s = 0, ingest_s = 0;
    corpus_open(&corpus, path, 0, count);
    struct sig_keys *known = sig_keys_new();
    struct store *store = store_open(folder, (uint64_t)time(NULL) * 1000, &err);
    if (store == NULL)
        fatal("%s", err.text);
    for (size_t i = 0; i < count; i += AT_ONCE) { /* in turn: the machine is the same to both */
        size_t some = count - i < AT_ONCE ? count - i : AT_ONCE;
        verify(&corpus.events[i], some, &bare_s);
        ingest(store, known, &corpus.events[i], some, &ingest_s);
    }
    double start_s = bench_cpu_s();
    if (!catalog_settle(store, &err))
        fatal("%s", err.text);
    printf("verify_us %.2f\ningest_us %.2f\nsettle_us %.2f\n", bare_s * 1e6 / (double)count,
           ingest_s * 1e6 / (double)count, (bench_cpu_s() - start_s) * 1e6 / (double)count);
    store_close(store);
    sig_keys_free(known);
    corpus_clear(&corpus);
}

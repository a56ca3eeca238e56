#include "client/proxy_node.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/command_infer.h"
#include "shared/err.h"

enum { WHY_BYTES_MAX = 200, PAYMENT_REQUIRED = 402, TIMEOUT_S_MAX = 86400 };

/* The wallet is one, and so is whoever opens its seed. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

struct node_job {
    struct node_setup setup;
    struct arena arena; /* of the candidate and the body */
    struct market_candidate candidate;
    uv_thread_t thread;
    uv_async_t news;  /* for the loop of setup */
    uv_async_t order; /* for the thread's */
    struct infer infer;
    char why[WHY_BYTES_MAX];
    struct node_end end;

    pthread_mutex_t mutex; /* what follows */
    struct text words;     /* not told yet */
    bool is_stopped, is_over;
    bool has_order; /* order can be given */
};

/* ---- the loop's side ---- */

static void on_news_closed(uv_handle_t *handle)
{
    struct node_job *job = handle->data;
    uv_thread_join(&job->thread);
    pthread_mutex_destroy(&job->mutex);
    text_clear(&job->words);
    arena_clear(&job->arena);
    free(job);
}

static void on_news(uv_async_t *news)
{
    struct node_job *job = news->data;
    pthread_mutex_lock(&job->mutex);
    struct text words = job->words;
    bool is_over = job->is_over;
    job->words = (struct text){0};
    pthread_mutex_unlock(&job->mutex);
    if (words.len > 0)
        job->setup.heard(job->setup.owner, text_span(&words));
    text_clear(&words);
    if (!is_over)
        return;
    job->setup.ended(job->setup.owner, &job->end);
    uv_close((uv_handle_t *)news, on_news_closed);
}

/* ---- the thread's side ---- */

static void on_words(void *owner, struct span words)
{
    struct node_job *job = owner;
    pthread_mutex_lock(&job->mutex);
    text_add(&job->words, words);
    pthread_mutex_unlock(&job->mutex);
    uv_async_send(&job->news);
}

static bool is_stopped(struct node_job *job)
{
    pthread_mutex_lock(&job->mutex);
    bool is = job->is_stopped;
    pthread_mutex_unlock(&job->mutex);
    return is;
}

static void set_order(struct node_job *job, bool has_order)
{
    pthread_mutex_lock(&job->mutex);
    job->has_order = has_order;
    pthread_mutex_unlock(&job->mutex);
}

static void on_order(uv_async_t *order)
{
    (void)order; /* it ends the wait */
}

/* The wallet, with its seed, and a loop of its own, for mints by HTTP: there is one host of links
 * to relays in this program already, and libwebsockets does not give back all of a second one. */
static bool open_pocket(struct pocket *pocket, const struct command_call *call,
                        const struct holder *holder, struct err *err)
{
    if (pocket_look(pocket, call) != COMMAND_DONE)
        return err_set(err, ERR_INTERNAL, "the store does not open");
    pocket->has_net = true;
    pocket->net = (struct net){.call = call, .timeout_s = NET_TIMEOUT_S};
    uv_loop_init(&pocket->net.loop);
    return command_read_number(call, "timeout", NET_TIMEOUT_S, TIMEOUT_S_MAX,
                               &pocket->net.timeout_s, err) &&
           purse_unlock(pocket->trade.purse, holder, NULL, err);
}

static bool begin(struct node_job *job, struct err *err)
{
    struct infer *infer = &job->infer;
    infer->has_pocket = true;
    if (!open_pocket(&infer->pocket, job->setup.call, job->setup.holder, err) ||
        !infer_afford(infer, &job->candidate, err))
        return false;
    infer->pocket.trade.mint = infer->job.trade.mint;
    if (!pocket_reach(&infer->pocket, err))
        return false;
    infer->job.trade = infer->pocket.trade;
    infer->job.loop = &infer->pocket.net.loop;
    infer->job.body = job->setup.body;
    infer->job.heard = on_words;
    infer->job.owner = job;
    return true;
}

/* All of it but the beginning and the end, while others may use the wallet, too. */
static bool run(struct node_job *job, struct err *err)
{
    struct infer_job *infer = &job->infer.job;
    bool is_paid = true;
    infer_job_begin(infer);
    while (infer->stage != INFER_OVER && !is_stopped(job))
        if (infer->stage == INFER_PRICED) {
            pthread_mutex_lock(&turn);
            is_paid = infer_job_pay(infer, err);
            pthread_mutex_unlock(&turn);
        } else {
            uv_run(infer->loop, UV_RUN_ONCE);
        }
    if (infer->stage != INFER_OVER)
        infer_job_stop(infer);
    return is_paid;
}

static void keep_end(struct node_job *job, const struct err *why)
{
    const struct infer_job *infer = &job->infer.job;
    if (why != NULL)
        snprintf(job->why, sizeof job->why, "%s", why->text);
    job->end = (struct node_end){.why = why != NULL ? job->why : NULL,
                                 .status = infer->status,
                                 .spent = infer->spent,
                                 .prompt_tokens = infer->prompt_tokens,
                                 .output_tokens = infer->output_tokens,
                                 .is_cut = span_eq(infer->finish, SPAN("length"))};
}

static void buy(struct node_job *job)
{
    struct infer *infer = &job->infer;
    struct err err, why;
    pthread_mutex_lock(&turn);
    bool is_begun = begin(job, &err);
    pthread_mutex_unlock(&turn);
    if (!is_begun) {
        infer->job.status = PAYMENT_REQUIRED; /* or no way to pay */
        keep_end(job, &err);
        return;
    }
    uv_async_init(infer->job.loop, &job->order, on_order);
    set_order(job, true);
    bool is_paid = run(job, &why);
    set_order(job, false);
    infer_close((uv_handle_t *)&job->order);
    pthread_mutex_lock(&turn);
    bool is_whole = infer_job_end(&infer->job, &err);
    pthread_mutex_unlock(&turn);
    infer_remember(infer, &infer->job, is_whole);
    keep_end(job, !is_paid ? &why : !is_whole ? &err : NULL);
}

static void tell_over(struct node_job *job)
{
    pthread_mutex_lock(&job->mutex);
    job->is_over = true;
    uv_async_send(&job->news); /* within: the job may be gone right after */
    pthread_mutex_unlock(&job->mutex);
}

static void run_thread(void *owner)
{
    struct node_job *job = owner;
    buy(job);
    pthread_mutex_lock(&turn);
    infer_job_clear(&job->infer.job);
    pocket_close(&job->infer.pocket);
    arena_clear(&job->infer.arena);
    pthread_mutex_unlock(&turn);
    tell_over(job);
}

/* ---- what is borrowed, copied ---- */

static void copy_list(struct span *list, uint32_t count, struct arena *arena)
{
    for (uint32_t i = 0; i < count; i++)
        list[i] = arena_copy(arena, list[i]);
}

struct market_candidate node_candidate(const struct market_candidate *candidate,
                                       struct arena *arena)
{
    struct market_candidate copy = *candidate;
    struct offer *offer = &copy.entry.offer;
    offer->dtype = arena_copy(arena, offer->dtype);
    offer->model = arena_copy(arena, offer->model);
    offer->gpu = arena_copy(arena, offer->gpu);
    copy_list(offer->units, offer->unit_count, arena);
    copy_list(offer->mints, offer->mint_count, arena);
    copy_list(offer->relays, offer->relay_count, arena);
    return copy;
}

static struct node_job *job_new(const struct node_setup *setup)
{
    struct node_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    job->setup = *setup;
    pthread_mutex_init(&job->mutex, NULL);
    uv_async_init(setup->loop, &job->news, on_news);
    job->news.data = job;
    return job;
}

/* ---- what earlier runs left ---- */

static bool sweep_mint(struct pocket *pocket, struct err *err)
{
    bool ok = pocket_reach(pocket, err) && trade_check(&pocket->trade, err);
    teller_free(pocket->trade.teller);
    pocket->trade.teller = NULL;
    return ok;
}

static void sweep(struct pocket *pocket, const struct node_setup *setup)
{
    struct purse_mint *mints;
    size_t count;
    struct err err;
    bool ok = open_pocket(pocket, setup->call, setup->holder, &err) &&
              purse_mints(pocket->trade.purse, &mints, &count, &pocket->arena, &err);
    for (size_t i = 0; ok && i < count; i++) {
        pocket->trade.mint = mints[i];
        if (!sweep_mint(pocket, &err))
            fprintf(stderr, "shoal proxy: %s\n", err.text); /* the next may answer */
    }
    if (!ok)
        fprintf(stderr, "shoal proxy: %s\n", err.text);
}

static void run_sweep(void *owner)
{
    struct node_job *job = owner;
    pthread_mutex_lock(&turn);
    sweep(&job->infer.pocket, &job->setup);
    pocket_close(&job->infer.pocket);
    pthread_mutex_unlock(&turn);
    tell_over(job);
}

static void on_swept(void *owner, const struct node_end *end)
{
    (void)owner;
    (void)end;
}

static void start(struct node_job *job, void (*thread)(void *owner))
{
    if (uv_thread_create(&job->thread, thread, job) != 0)
        abort();
}

struct node_job *node_begin(const struct node_setup *setup)
{
    struct node_job *job = job_new(setup);
    job->setup.body = arena_copy(&job->arena, setup->body);
    job->candidate = node_candidate(setup->candidate, &job->arena);
    job->infer.call = setup->call;
    job->infer.prompt = (struct span){job->setup.body.at, setup->prompt_bytes};
    job->infer.tokens_max = setup->tokens_max;
    job->infer.wish.cost_max = setup->most;
    start(job, run_thread);
    return job;
}

void node_stop(struct node_job *job)
{
    pthread_mutex_lock(&job->mutex);
    job->is_stopped = true;
    if (job->has_order)
        uv_async_send(&job->order);
    pthread_mutex_unlock(&job->mutex);
}

void node_sweep(struct command_call *call, struct uv_loop_s *loop, const struct holder *holder)
{
    const struct node_setup setup = {
        .call = call, .loop = loop, .holder = holder, .ended = on_swept};
    start(job_new(&setup), run_sweep);
}

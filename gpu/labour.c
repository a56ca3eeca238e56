#include "gpu/labour.h"

#include <pthread.h>
#include <stdlib.h>

#include "gpu/exec.h"

struct labour {
    struct exec *exec;
    void (*told)(void *owner);
    void *owner;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t change;
    struct stage_work work;
    bool has_work, is_done, is_closing;
};

static void step(struct exec *exec, struct stage_work *work)
{
    struct exec_span *spans = calloc((size_t)work->span_count + 1, sizeof *spans);
    uint32_t count = 0;
    if (spans == NULL)
        abort();
    for (uint32_t i = 0; i < work->span_count; i++) {
        struct stage_span *span = work->spans + i;
        if (span->opens && !exec_session_open(exec, span->session, span->positions_max, NULL)) {
            span->is_refused = true;
            continue;
        }
        spans[count++] = (struct exec_span){.session = span->session,
                                            .position = span->position,
                                            .count = span->count,
                                            .tokens = span->tokens,
                                            .in = span->in,
                                            .hidden = span->hidden,
                                            .logits = span->logits,
                                            .logit_count = span->logits != NULL};
    }
    bool ok = count == 0 || exec_step(exec, spans, count, NULL);
    for (uint32_t i = 0, j = 0; i < work->span_count; i++)
        if (!work->spans[i].is_refused) {
            work->spans[i].verdict = ok ? spans[j].verdict : EXEC_BAD_INPUT;
            j++;
        }
    free(spans);
}

static void *labour(void *argument)
{
    struct labour *labour = argument;
    pthread_mutex_lock(&labour->lock);
    while (!labour->is_closing) {
        if (!labour->has_work || labour->is_done) {
            pthread_cond_wait(&labour->change, &labour->lock);
            continue;
        }
        pthread_mutex_unlock(&labour->lock);
        for (uint32_t i = 0; i < labour->work.closed_count; i++)
            exec_session_close(labour->exec, labour->work.closed[i]);
        step(labour->exec, &labour->work);
        pthread_mutex_lock(&labour->lock);
        labour->is_done = true;
        labour->told(labour->owner);
    }
    pthread_mutex_unlock(&labour->lock);
    return NULL;
}

struct labour *labour_new(struct exec *exec, void (*told)(void *owner), void *owner)
{
    struct labour *made = calloc(1, sizeof *made);
    if (made == NULL)
        abort();
    *made = (struct labour){.exec = exec, .told = told, .owner = owner};
    if (pthread_mutex_init(&made->lock, NULL) != 0 || pthread_cond_init(&made->change, NULL) != 0 ||
        pthread_create(&made->thread, NULL, labour, made) != 0)
        abort();
    return made;
}

void labour_free(struct labour *labour)
{
    pthread_mutex_lock(&labour->lock);
    labour->is_closing = true;
    pthread_cond_signal(&labour->change);
    pthread_mutex_unlock(&labour->lock);
    pthread_join(labour->thread, NULL);
    pthread_mutex_destroy(&labour->lock);
    pthread_cond_destroy(&labour->change);
    if (labour->has_work)
        stage_work_clear(&labour->work);
    free(labour);
}

void labour_give(struct labour *labour, const struct stage_work *work)
{
    pthread_mutex_lock(&labour->lock);
    labour->work = *work;
    labour->has_work = true;
    labour->is_done = false;
    pthread_cond_signal(&labour->change);
    pthread_mutex_unlock(&labour->lock);
}

bool labour_take(struct labour *labour, struct stage_work *work)
{
    pthread_mutex_lock(&labour->lock);
    bool is_done = labour->has_work && labour->is_done;
    if (is_done) {
        *work = labour->work;
        labour->has_work = false;
    }
    pthread_mutex_unlock(&labour->lock);
    return is_done;
}

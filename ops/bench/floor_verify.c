#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ops/bench/corpus.h"
#include "ops/bench/fatal.h"
#include "ops/bench/floor.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"

enum { THREADS_MAX = 64 };

struct verifier {
    pthread_t thread;
    const struct event *events;
    size_t count;
    double cpu_s;
};

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *verify_all(void *owner)
{
    struct verifier *verifier = owner;
    double start_s = clock_s(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0; i < verifier->count; i++) {
        const struct event *event = &verifier->events[i];
        if (!sig_verify(&event->sig, &event->id, &event->pubkey))
            fatal("a signature that is wrong");
    }
    verifier->cpu_s = clock_s(CLOCK_THREAD_CPUTIME_ID) - start_s;
    return NULL;
}

void floor_verify(const char *path, size_t count)
{
    struct corpus corpus;
    struct arena arena = {0};
    struct err err;
    struct verifier verifiers[THREADS_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores;
    corpus_open(&corpus, path, 0, count);
    struct event *events = fatal_alloc(count, sizeof *events);
    for (size_t i = 0; i < count; i++)
        if (!event_parse(&events[i], &arena, corpus.events[i].json, &err))
            fatal("%s", err.text);
    double start_s = clock_s(CLOCK_MONOTONIC);
    for (size_t i = 0; i < threads; i++) {
        size_t first = count * i / threads;
        verifiers[i] =
            (struct verifier){.events = events + first, .count = count * (i + 1) / threads - first};
        if (pthread_create(&verifiers[i].thread, NULL, verify_all, &verifiers[i]) != 0)
            fatal("cannot start a thread");
    }
    double cpu_s = 0;
    for (size_t i = 0; i < threads; i++) {
        pthread_join(verifiers[i].thread, NULL);
        cpu_s += verifiers[i].cpu_s;
    }
    double wall_s = clock_s(CLOCK_MONOTONIC) - start_s;
    printf("one_per_s %.0f\nall_per_s %.0f\nus %.1f\n", (double)count / cpu_s,
           (double)count / wall_s, cpu_s * 1e6 / (double)count);
    arena_clear(&arena);
    free(events);
    corpus_clear(&corpus);
}

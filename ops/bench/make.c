/* Writes the events of the benchmark, signed, one a line: what ops/bench/run begins with.
 *
 *     bench_make FILE COUNT STREAM mix|notes SPAN_S
 *
 * The same arguments make the same bytes. Signing is shared among all cores.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ops/bench/fatal.h"
#include "ops/bench/mixture.h"
#include "shared/sig.h"

enum { ROUND = 4096, THREADS_MAX = 64 };
enum { SEED = 1, AUTHORS = 2000, END_AT = 1795197600 };

struct signer {
    pthread_t thread;
    struct mixture_event *events;
    size_t count;
};

static void *sign_all(void *owner)
{
    const struct signer *signer = owner;
    static const struct bytes32 no_aux; /* BIP-340: randomness is not needed, and would show */
    for (size_t i = 0; i < signer->count; i++) {
        struct event *event = &signer->events[i].event;
        if (!sig_sign(&event->sig, &event->id, &signer->events[i].secret, &no_aux))
            fatal("cannot sign");
    }
    return NULL;
}

static void sign(struct mixture_event *events, size_t count)
{
    struct signer signers[THREADS_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores;
    for (size_t i = 0; i < threads; i++) {
        size_t first = count * i / threads;
        signers[i].events = events + first;
        signers[i].count = count * (i + 1) / threads - first;
        if (pthread_create(&signers[i].thread, NULL, sign_all, &signers[i]) != 0)
            fatal("cannot start a thread");
    }
    for (size_t i = 0; i < threads; i++)
        pthread_join(signers[i].thread, NULL);
}

static void write_file(const char *path, const struct mixture_setup *setup)
{
    static struct mixture_event events[ROUND];
    struct mixture *mixture = mixture_new(setup);
    struct text line = {0};
    FILE *file = fopen(path, "w");
    if (file == NULL)
        fatal("%s: %s", path, strerror(errno));
    for (uint64_t left = setup->count; left > 0;) {
        size_t count = left < ROUND ? (size_t)left : ROUND;
        for (size_t i = 0; i < count; i++)
            mixture_next(mixture, &events[i]);
        sign(events, count);
        for (size_t i = 0; i < count; i++) {
            line.len = 0;
            event_write(&line, &events[i].event);
            text_addf(&line, "\n");
            if (fwrite(line.at, 1, line.len, file) != line.len)
                fatal("%s: %s", path, strerror(errno));
        }
        left -= count;
    }
    if (fclose(file) != 0)
        fatal("%s: %s", path, strerror(errno));
    text_clear(&line);
    for (size_t i = 0; i < ROUND; i++)
        mixture_event_clear(&events[i]);
    mixture_free(mixture);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        fatal("usage: bench_make FILE COUNT STREAM mix|notes SPAN_S");
    struct mixture_setup setup = {
        .count = strtoul(argv[2], NULL, 10),
        .seed = SEED,
        .stream = strtoul(argv[3], NULL, 10),
        .end_at = END_AT,
        .span_s = strtoul(argv[5], NULL, 10),
        .authors = AUTHORS,
        .only_notes = strcmp(argv[4], "notes") == 0,
    };
    write_file(argv[1], &setup);
    return 0;
}

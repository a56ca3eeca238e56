/* Time from the start of the program to the first accepted event: what ops/bench/start runs.
 *
 *     bench_start [ROUNDS]     default: 5; the median of them is printed
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"

enum { ROUNDS_MAX = 100 };

static int64_t start_ms(const char *folder, const struct signer_event *event)
{
    struct relay relay;
    struct talk talk;
    int64_t begin_ms = wire_now_ms();
    relay_start(&relay, &(struct relay_setup){.database = "", .data_dir = folder});
    talk_open(&talk, &relay);
    talk_accept(&talk, event);
    int64_t taken_ms = wire_now_ms() - begin_ms;
    talk_close(&talk);
    relay_stop(&relay);
    return taken_ms;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void print_median(const char *what, int64_t *taken_ms, size_t rounds)
{
    qsort(taken_ms, rounds, sizeof *taken_ms, compare);
    printf("%s  %5lld ms to the first accepted event (%lld to %lld, %zu rounds)\n", what,
           (long long)taken_ms[rounds / 2], (long long)taken_ms[0], (long long)taken_ms[rounds - 1],
           rounds);
}

int main(int argc, char **argv)
{
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;
    int64_t cold_ms[ROUNDS_MAX], warm_ms[ROUNDS_MAX];
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "from 1 to %d rounds\n", ROUNDS_MAX);
        return 2;
    }
    for (size_t i = 0; i < rounds; i++) {
        const char *folder = relay_new_folder();
        cold_ms[i] = start_ms(folder, SIGN(.person = 1, .kind = 1, .content = "cold"));
        warm_ms[i] = start_ms(folder, SIGN(.person = 1, .kind = 1, .content = "warm"));
        relay_remove_folder(folder);
    }
    print_median("cold (no data folder)", cold_ms, rounds);
    print_median("warm                 ", warm_ms, rounds);
    return 0;
}

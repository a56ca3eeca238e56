/* What ops/bench/client runs.
 *
 *     bench_client trace TRACE | type TRACE DOCUMENT | apply UPDATES DOCUMENT | load DOCUMENT
 *     bench_client reconcile COUNT LACKING | ingest EVENTS COUNT FOLDER
 */
#include "ops/bench/client_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ops/bench/fatal.h"

double bench_cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

size_t bench_resident(void)
{
    char line[128], *rest;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        fatal("no /proc/self/statm");
    fclose(file);
    (void)strtoull(line, &rest, 10); /* all of it */
    return (size_t)strtoull(rest, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t number(const char *word)
{
    return (size_t)strtoull(word, NULL, 10);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "trace") == 0 && argc == 3)
        bench_trace(argv[2]);
    else if (strcmp(what, "type") == 0 && argc == 4)
        bench_type(argv[2], argv[3]);
    else if (strcmp(what, "apply") == 0 && argc == 4)
        bench_apply(argv[2], argv[3]);
    else if (strcmp(what, "load") == 0 && argc == 3)
        bench_load(argv[2]);
    else if (strcmp(what, "reconcile") == 0 && argc == 4)
        bench_reconcile(number(argv[2]), number(argv[3]));
    else if (strcmp(what, "ingest") == 0 && argc == 5)
        bench_ingest(argv[2], number(argv[3]), argv[4]);
    else
        fatal("usage: see the top of ops/bench/client_bench.c");
    return EXIT_SUCCESS;
}

/* The floors beside which figures stand; see floor.h.
 *
 *     bench_floor verify FILE COUNT
 *     bench_floor copy CONNINFO FILE COUNT
 *     bench_floor send CONNECTIONS FRAMES_AT_ONCE SECONDS
 *     bench_floor echo
 *     bench_floor relay
 */
#include "ops/bench/floor.h"

#include <stdlib.h>
#include <string.h>

#include "ops/bench/fatal.h"

static size_t count_of(const char *text)
{
    return strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "verify") == 0 && argc == 4)
        floor_verify(argv[2], count_of(argv[3]));
    else if (strcmp(mode, "copy") == 0 && argc == 5)
        floor_copy(argv[2], argv[3], count_of(argv[4]));
    else if (strcmp(mode, "send") == 0 && argc == 5)
        floor_send(count_of(argv[2]), count_of(argv[3]), strtod(argv[4], NULL));
    else if (strcmp(mode, "echo") == 0 && argc == 2)
        floor_echo();
    else if (strcmp(mode, "relay") == 0 && argc == 2)
        floor_relay();
    else
        fatal("usage: bench_floor verify|copy|send|echo|relay ...");
    return 0;
}

#include "ops/bench/floor.h"
#include "ops/bench/floor_host.h"

static void echo(struct floor_host *host, struct floor_guest *guest, struct span message)
{
    (void)host;
    floor_frame(&guest->out, message);
}

void floor_echo(void)
{
    struct floor_host host = {.on_message = echo};
    floor_host_serve(&host);
}

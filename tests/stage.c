#include "tests/stage.h"

struct relay stage_relay;
struct talk stage_talk;
const char *const *stage_options;

int stage_open(void **state)
{
    (void)state;
    relay_start(&stage_relay, &(struct relay_setup){.options = stage_options});
    return 0;
}

int stage_close(void **state)
{
    (void)state;
    relay_stop(&stage_relay);
    return 0;
}

int stage_connect(void **state)
{
    (void)state;
    talk_open(&stage_talk, &stage_relay);
    return 0;
}

int stage_disconnect(void **state)
{
    (void)state;
    talk_close(&stage_talk);
    return 0;
}

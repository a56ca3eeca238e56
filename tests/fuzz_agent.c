/* Any bytes said to an agent, and any bytes that an agent says. */
#include <assert.h>
#include <stdint.h>

#include "client/agent_keep.h"
#include "client/keys.h"
#include "shared/err.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(struct span body)
{
    struct agent_hello hello;
    struct span bytes;
    struct err err = {.text = ""};
    if (agent_parse_answer(&bytes, body, &err))
        (void)!agent_parse_hello(&hello, bytes, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes32 one = {.at[31] = 1};
    const struct agent_keep_setup setup = {.file = "/nowhere/key", .keys = keys_new(&one)};
    struct agent_keep *keep = agent_keep_new(&setup);
    struct span bytes = {(const char *)data, size}, body;
    uint64_t now_ms = 1;
    while (agent_take(&body, &bytes) == AGENT_FRAME_DONE) {
        struct text out = {0};
        hear(body);
        (void)agent_keep_answer(keep, &out, body, now_ms++);
        struct span heard = text_span(&out), answer;
        bool ok = agent_take(&answer, &heard) == AGENT_FRAME_DONE && heard.len == 0;
        assert(ok);
        hear(answer);
        text_clear(&out);
    }
    agent_keep_free(keep);
    return 0;
}

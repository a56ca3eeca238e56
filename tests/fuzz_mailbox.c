/* Any tags as a list of relays: what is read are relays, each once; a route meets whoever can be
 * met. */
#include <assert.h>
#include <stdint.h>

#include "client/mailbox.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct event event = {.kind = 10002};
    struct mailbox mailbox;
    size_t count, writes = 0;
    if (event_parse_tags(&event, &arena, (struct span){(const char *)data, size}, NULL)) {
        mailbox_read(&mailbox, &event);
        assert(mailbox.count <= MAILBOX_RELAYS_MAX);
        for (uint32_t i = 0; i < mailbox.count; i++) {
            struct url url;
            bool ok = url_parse(&url, mailbox.relays[i].url, NULL);
            assert(ok && (mailbox.relays[i].reads || mailbox.relays[i].writes));
            writes += mailbox.relays[i].writes;
        }
        (void)mailbox_route(&count, &arena, &mailbox, 1, 2);
        assert(count == (writes < 2 ? writes : 2));
    }
    arena_clear(&arena);
    return 0;
}

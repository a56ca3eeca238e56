/* A question in its wraps: sealed, and handed to a relay. */
#include <sodium.h>
#include <time.h>

#include "client/holder.h"
#include "client/link.h"
#include "client/teller_parts.h"
#include "client/wrap.h"
#include "shared/event.h"
#include "shared/parcel.h"

bool teller_seal(struct teller_open *open)
{
    const struct teller_relay *relay = open->teller->relay;
    struct arena arena = {0};
    struct parcel_place place = {0};
    struct event rumor;
    struct wrap_seed seed;
    int64_t now = time(NULL);
    bool ok = true;
    open->stamp = now > open->stamp ? now : open->stamp + 1;
    open->wraps.len = 0;
    while (ok && parcel_next(&rumor, &arena, text_span(&open->content), &place, open->stamp)) {
        randombytes_buf(&seed, sizeof seed);
        seed.wrap_at = now;
        ok = wrap_say(&open->wraps, relay->holder, &rumor, &relay->node, &seed, NULL);
        text_add(&open->wraps, SPAN("\n"));
    }
    arena_clear(&arena);
    return ok;
}

void teller_publish(const struct teller_road *road, const struct teller_open *open)
{
    struct arena arena = {0};
    struct event event;
    const char *at = open->wraps.at;
    if (!road->is_heard || road->is_over || open->wraps.len == 0)
        return;
    for (const char *end = at + open->wraps.len; at < end;) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (event_parse(&event, &arena, (struct span){at, (size_t)(line - at)}, NULL))
            link_publish(road->link, &event);
        at = line + 1;
    }
    arena_clear(&arena);
}

void teller_write(struct teller_open *open)
{
    const struct teller_question *question = &open->question;
    uint8_t id[TELLER_ID_CHARS / 2];
    randombytes_buf(id, sizeof id);
    sodium_bin2hex(open->id, sizeof open->id, id, sizeof id);
    parcel_write_question(&open->content, &(struct parcel_question){{open->id, TELLER_ID_CHARS},
                                                                    question->method,
                                                                    question->path,
                                                                    question->body});
    if (open->content.len > PARCEL_BYTES_MAX)
        open->content.len = 0; /* it is never answered */
}

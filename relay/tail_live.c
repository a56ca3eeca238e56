#include "relay/tail_live.h"

#include <inttypes.h>
#include <stdlib.h>

#include "relay/log.h"
#include "relay/param.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

struct tail_live {
    uint64_t origin, number; /* of the event sent last */
    const char *channel;
    struct param_list waiting; /* begun when waiting_bytes > 0 */
    size_t waiting_bytes;
    struct db *db;
    bool is_sending;
    /* The event being put together. */
    uint64_t from_origin, from_number;
    uint64_t next_part;
    struct text text;
};

bool tail_word(const char **at, int base, uint64_t *out)
{
    char *end;
    *out = strtoull(*at, &end, base);
    if (end == *at || (*end != ' ' && *end != '\0'))
        return false;
    *at = end + (*end == ' ');
    return true;
}

struct tail_live *tail_live_new(uint64_t origin, const char *channel)
{
    struct tail_live *live = calloc(1, sizeof *live);
    if (live == NULL)
        abort();
    live->origin = origin;
    live->channel = channel;
    return live;
}

void tail_live_free(struct tail_live *live)
{
    param_clear(&live->waiting);
    text_clear(&live->text);
    free(live);
}

static void on_sent(void *owner, const PGresult *result);

static void send_waiting(struct tail_live *live)
{
    struct err err;
    struct db_call call = {.statement = TAIL_LIVE_STATEMENT, .reply = on_sent, .owner = live};
    if (live->is_sending || live->waiting_bytes == 0)
        return;
    param_call(&live->waiting, &call);
    live->is_sending = db_query(live->db, &call, &err);
    param_clear(&live->waiting);
    live->waiting_bytes = 0;
}

static void on_sent(void *owner, const PGresult *result)
{
    struct tail_live *live = owner;
    live->is_sending = false;
    if (result != NULL) /* else the connection is lost, and so is what waits */
        send_waiting(live);
}

/* As much as fits in a part, and no piece of a character: PostgreSQL takes only whole ones. */
static size_t part_len(struct span rest)
{
    if (rest.len <= TAIL_LIVE_PART_BYTES_MAX)
        return rest.len;
    size_t len = TAIL_LIVE_PART_BYTES_MAX;
    while (((unsigned char)rest.at[len] & 0xc0) == 0x80)
        len--;
    return len;
}

static void add_parts(struct tail_live *live, struct span rest)
{
    if (live->waiting_bytes == 0) {
        live->waiting.count = 0;
        param_bytes(&live->waiting, (struct span){live->channel, strlen(live->channel)});
        param_begin(&live->waiting, PARAM_TEXT);
    }
    live->waiting_bytes += rest.len;
    live->number++;
    struct text part = {0};
    for (uint32_t number = 0; rest.len > 0; number++) {
        size_t len = part_len(rest);
        part.len = 0;
        text_addf(&part, "%016" PRIx64 " %" PRIu64 " %u %d ", live->origin, live->number, number,
                  len == rest.len);
        text_add(&part, (struct span){rest.at, len});
        param_add_bytes(&live->waiting, 1, text_span(&part));
        rest.at += len;
        rest.len -= len;
    }
    text_clear(&part);
}

void tail_live_send(struct tail_live *live, struct db *db, const struct event *event)
{
    struct text text = {0};
    live->db = db;
    event_write(&text, event);
    if (live->waiting_bytes + text.len <= TAIL_LIVE_WAITING_BYTES_MAX || live->waiting_bytes == 0) {
        add_parts(live, text_span(&text));
        send_waiting(live);
    }
    text_clear(&text);
}

static void finish(struct tail_live *live, void (*on_event)(void *owner, const struct event *event),
                   void *owner)
{
    struct arena arena = {0};
    struct event event;
    struct err err;
    if (event_parse(&event, &arena, text_span(&live->text), &err))
        on_event(owner, &event);
    else
        log_warning("tail", "a forwarded event cannot be read: %s", err.text);
    arena_clear(&arena);
    text_clear(&live->text);
}

void tail_live_receive(struct tail_live *live, const char *payload,
                       void (*on_event)(void *owner, const struct event *event), void *owner)
{
    uint64_t origin, number, part, is_last;
    if (!tail_word(&payload, 16, &origin) || !tail_word(&payload, 10, &number) ||
        !tail_word(&payload, 10, &part) || !tail_word(&payload, 10, &is_last))
        return;
    bool follows = part == live->next_part && origin == live->from_origin &&
                   number == live->from_number && live->text.len < TAIL_LIVE_EVENT_BYTES_MAX;
    if (part != 0 && !follows)
        return; /* we came in the middle */
    if (part == 0) {
        text_clear(&live->text);
        live->from_origin = origin;
        live->from_number = number;
    }
    live->next_part = part + 1;
    text_add(&live->text, (struct span){payload, strlen(payload)});
    if (is_last)
        finish(live, on_event, owner);
}

/* talk.h - one client's conversation with a relay, in the words of NIP-01.
 *
 * Messages are read with jansson, not with the code under test. What is not waited for is kept:
 * waiting for an OK does not lose an EVENT that comes before it.
 *
 *   ownership  a struct talk owns its connection from talk_open to talk_close; a json_t lasts
 *              until the next call
 *   errors     a failed assertion of the running test, naming what came instead
 *   spec       NIP-01, NIP-42, NIP-45, NIP-67
 */
#pragma once

#include <jansson.h>

#include "shared/base.h"
#include "tests/ws.h"

struct relay;
struct signer_event;

struct talk {
    struct ws ws;
    char challenge[128]; /* NIP-42: of the latest AUTH */
    json_t *heard;       /* handed out last */
    json_t *kept;        /* array: heard while waiting for something else */
};

/* Connects and awaits the AUTH challenge. */
void talk_open(struct talk *talk, const struct relay *relay);
void talk_open_with(struct talk *talk, const struct ws_options *options);
void talk_close(struct talk *talk);

void talk_say(struct talk *talk, const char *text);
void talk_sayf(struct talk *talk, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The next message, whatever it is; AUTH is noted and skipped. */
json_t *talk_hear(struct talk *talk);

/* The next message of that type; others before it are kept. */
json_t *talk_await(struct talk *talk, const char *type);

/* An OK true, whosever. */
void talk_await_true(struct talk *talk);

/* The connection ends next, with that close code; what else comes is dropped. */
void talk_await_end(struct talk *talk, uint16_t close_code);

/* Sends EVENT and awaits its OK. */
struct talk_answer {
    bool accepted;
    char note[256];
};
struct talk_answer talk_publish(struct talk *talk, const struct signer_event *event);

/* OK true; "" as the note, or one that begins with "duplicate: " for talk_repeat. */
void talk_accept(struct talk *talk, const struct signer_event *event);
void talk_repeat(struct talk *talk, const struct signer_event *event);

/* OK false, with a note that begins with that. */
void talk_refuse(struct talk *talk, const struct signer_event *event, const char *note);

/* Sends text, which has no readable event, and awaits an OK false for that id, or for "". */
void talk_refuse_text(struct talk *talk, const char *text, const char *id, const char *note);

/* Sends AUTH: OK true, or OK false with that beginning of the note. */
void talk_auth(struct talk *talk, const struct signer_event *event, const char *note);

/* Authenticates that person, for the relay URL given. */
void talk_login(struct talk *talk, uint32_t person, const char *url);

/* REQ with filters (one or several, comma separated): exactly these, in this order, then EOSE.
 * The subscription is closed again. */
void talk_expect(struct talk *talk, const char *filters, const struct signer_event *const *events,
                 size_t count);
#define EXPECT(talk, filters, ...)                                                \
    talk_expect(talk, filters, (const struct signer_event *const[]){__VA_ARGS__}, \
                sizeof((const struct signer_event *const[]){__VA_ARGS__}) / sizeof(void *))
void talk_expect_none(struct talk *talk, const char *filters);

/* How many REQ answers, and the third element of its EOSE ("" when there is none). */
struct talk_found {
    size_t count;
    char finish[16];
    char first_id[65], last_id[65];
};
struct talk_found talk_find(struct talk *talk, const char *filters);

/* REQ that stays open as sub; its stored events are dropped up to EOSE. */
void talk_subscribe(struct talk *talk, const char *sub, const char *filters);

/* The next EVENT is for sub, and is this one, byte for byte in every value. */
void talk_await_event(struct talk *talk, const char *sub, const struct signer_event *event);

/* Sends text; CLOSED of sub comes, with a reason that begins with that. */
void talk_closed(struct talk *talk, const char *text, const char *sub, const char *reason);

/* Sends text; a NOTICE comes that begins with that. */
void talk_noticed(struct talk *talk, const char *text, const char *notice);

int64_t talk_count(struct talk *talk, const char *filters);

/* Everything sent so far is answered, and nothing is kept or was heard but that answer. */
void talk_is_quiet(struct talk *talk);

/* COUNT {"ids":[...]} of nothing is answered: the connection still works. What else comes is
 * kept. */
void talk_is_alive(struct talk *talk);

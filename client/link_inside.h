/* link_inside.h - a link's parts: what is asked, what is published, who we are. Part of link.
 *
 *   threads  loop thread only
 */
#pragma once

#include <sys/queue.h>
#include <uv.h>

#include "client/info.h"
#include "client/link.h"
#include "client/link_channel.h"
#include "client/link_host.h"
#include "shared/arena.h"
#include "shared/text.h"
#include "shared/url.h"

struct link_query {
    TAILQ_ENTRY(link_query) listed;
    struct link *link;
    struct link_query_setup setup;
    struct arena arena; /* of the filters and the bytes */
    char name[24];
    bool is_open, is_over;
    bool wants_auth;
    bool had_stored;     /* EOSE came, once */
    int64_t stored_at;   /* unix seconds */
    uint64_t heard_ms;   /* or asked; while an answer is due */
    uint64_t due_ms;     /* not before */
    uint32_t busy_count; /* how often the relay was, in a row */
};

struct link_item {
    TAILQ_ENTRY(link_item) listed;
    struct bytes32 id;
    uint32_t sends; /* without an answer */
    uint32_t failures;
    bool wants_auth;
    struct text message;
};
TAILQ_HEAD(link_items, link_item);

enum link_auth {
    LINK_AUTH_NONE,
    LINK_AUTH_WANTED, /* no challenge yet */
    LINK_AUTH_ASKED,  /* the owner signs */
    LINK_AUTH_SENT,
    LINK_AUTH_DONE,
    LINK_AUTH_FAILED,
};

enum { LINK_CHALLENGE_BYTES_MAX = 1024, LINK_WHY_BYTES_MAX = 300 };

struct page;

struct link {
    struct link_host *host;
    struct link_setup setup;
    char *url_text;
    struct url url;
    struct channel *channel;
    struct page *page;
    struct info info;
    bool has_info, is_info_settled; /* known; known, or known not to be */
    bool is_freed;
    uv_timer_t look;
    uint64_t unasked;

    TAILQ_HEAD(, link_query) queries;
    uint32_t query_number;

    struct link_items queue, sent;
    uint32_t items, unanswered;
    size_t bytes;
    bool was_full;
    uint64_t answered_ms; /* the last time, or nothing was unanswered */
    uint64_t busy_until_ms;
    uint32_t busy_count;

    enum link_auth auth;
    uint64_t auth_ms; /* since when */
    struct bytes32 auth_id;
    char challenge[LINK_CHALLENGE_BYTES_MAX + 1];
    size_t challenge_len; /* 0: none */
    char auth_why[LINK_WHY_BYTES_MAX + 1];
};

uint64_t link_now_ms(const struct link *link);
bool link_begins(struct span text, const char *beginning);
uint64_t link_busy_ms(const struct link *link, uint32_t times); /* to wait, when the relay is */

/* Goes on in the next turn of the loop. */
void link_soon(struct link *link);

void query_pump(struct link *link);
void query_closed(struct link *link); /* the connection */
void query_look(struct link *link);
void query_auth_failed(struct link *link);
void query_hear(struct link *link, struct arena *arena, const struct message *message);

void publish_pump(struct link *link);
void publish_closed(struct link *link);
void publish_look(struct link *link);
void publish_auth_failed(struct link *link);
void publish_hear(struct link *link, const struct message *message);

/* Something that wants_auth is there. It goes on when we are known, or is told that we are not. */
void auth_want(struct link *link);
void auth_closed(struct link *link);
void auth_look(struct link *link);
void auth_challenge(struct link *link, struct span challenge);
bool auth_hear(struct link *link, const struct message *message); /* OK: false, of no AUTH */

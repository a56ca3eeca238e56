/* session.h - one connection: who it is, what it asked for, what waits to be sent. Knows no socket.
 *
 * Across every wait a session is named by its id, never by pointer: session_find may say no.
 * An outbox item is a head of its own and, optionally, a shared frame and a tail "]".
 *
 *   units      outbox: bytes
 *   ownership  the table owns sessions; a session owns its subscriptions' list and outbox
 *   threads    loop thread only
 *   order      what is sent arrives in the order it was sent
 */
#pragma once

#include "relay/list.h"
#include "shared/base.h"

struct address;
struct frame;
struct text;

enum { SESSION_KEYS_MAX = 16, SESSION_CHALLENGE_CHARS = 32 };

struct session_table;

/* Called when something is in an empty outbox, when a session is to be closed, and never again
 * after session_close. Must not send or free: the server asks its socket to become writable. */
typedef void session_wake_fn(void *owner);

struct session {
    uint64_t id; /* never used again */
    struct session_table *table;
    struct address *address;
    char challenge[SESSION_CHALLENGE_CHARS + 1]; /* NIP-42 */
    struct bytes32 *keys;                        /* authenticated; key_count of them */
    uint32_t key_count;
    struct list subs; /* oldest first; live.h */
    uint32_t sub_count;
    struct list requests; /* being answered, oldest first; request.h */
    uint32_t request_count;
    struct list reconciles; /* NIP-77, oldest first; reconcile.h */
    uint32_t reconcile_count;
    uint8_t peer_ip[16]; /* whose connection it is, behind trusted proxies */
    size_t peer_ip_len;
    uint8_t local_ip[16]; /* the end of the connection that is ours: NIP-42 without public_url */
    size_t local_ip_len;
    bool doomed; /* to be closed once the outbox is empty, or at once when it is over its bound */
    uint16_t close_code;

    session_wake_fn *wake;
    void *owner;
    struct session_item *head, *tail;
    size_t outbox_bytes;
    size_t held_bytes; /* kept back elsewhere, to be sent later; counts against the bound */
    void (*drained)(void *owner); /* set by session_on_drained, called once */
    void *drained_owner;
};

struct session_table *session_table_new(size_t outbox_bytes_max);
void session_table_free(struct session_table *table);
size_t session_count(const struct session_table *table);

struct session *session_open(struct session_table *table, session_wake_fn *wake, void *owner);

/* Frees it with its outbox and keys. Its subscriptions must be gone (live_remove_all). */
void session_close(struct session *session);

/* NULL when it is gone. */
struct session *session_find(const struct session_table *table, uint64_t id);

/* Each session in turn; stop by returning false. The callback may not open or close sessions. */
void session_each(const struct session_table *table, bool (*visit)(void *owner, struct session *),
                  void *owner);

/* Queues head, then frame and "]" when frame is not NULL. Over the outbox bound the session is
 * doomed (1008) and everything queued is dropped. head is copied; the frame is referenced. */
void session_send(struct session *session, struct span head, struct frame *frame);

/* Bytes are kept back for the session, to be sent later: they count against its bound too. */
void session_hold(struct session *session, size_t bytes);
void session_unhold(struct session *session, size_t bytes);

/* Close when the outbox is empty; what is sent from now on is dropped. */
void session_doom(struct session *session, uint16_t close_code);

/* Half full: producers of stored events wait. */
bool session_is_full(const struct session *session);

/* Calls back, later and once, when it is no longer full; NULL takes it back. */
void session_on_drained(struct session *session, void (*drained)(void *owner), void *owner);

/* Bytes of the next message; 0: there is none. */
size_t session_next_bytes(const struct session *session);

/* The next message, assembled into out (cleared first). False when there is none. */
MUST_CHECK bool session_pop(struct session *session, struct text *out);

/* The same, behind what is in out. */
MUST_CHECK bool session_pop_behind(struct session *session, struct text *out);

bool session_has_key(const struct session *session, const struct bytes32 *pubkey);

/* False when SESSION_KEYS_MAX are there already. Adding one twice is true. */
MUST_CHECK bool session_add_key(struct session *session, const struct bytes32 *pubkey);

/* shoal.h - libshoal: one's keys, signed events, a store of them, what they amount to, and relays.
 *
 * Everything is a signed event of the Nostr protocol. The store keeps events, works out from them
 * what the things are that they speak of (entities: notes, tasks, memories), and remembers what
 * is still to be sent. All of it works without a network; a sync makes the store and relays equal
 * whenever there is one. This header is all of the library.
 *
 *   units      *_at: unix seconds; *_ms: milliseconds
 *   text       UTF-8 with a NUL at its end. Ids and public keys are 64 hex digits; where one is
 *              asked for, what people paste will do: npub, note, nevent, nostr:, did:, a CID
 *   ownership  what a function makes is freed by the one that its comment names, which takes NULL;
 *              const char * is borrowed, and lives as long as what it was asked of
 *   threads    a handle is used by one thread at a time, and a store's sync by the store's;
 *              nothing is shared between handles, and there is nothing to initialise
 *   signals    the first sync has SIGPIPE ignored, in all of the program
 *   errors     false or NULL, and in *error why; error may be NULL. What fails changes nothing
 *   spec       NIP-01; NIP-49 for the file of a key
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shoal_keys;
struct shoal_store;
struct shoal_sync;

enum { SHOAL_HEX_SIZE = 65 }; /* of an id or a public key, with the NUL */

enum shoal_error_code {
    SHOAL_ERROR_INVALID = 1, /* what was given makes no sense, or a file is damaged */
    SHOAL_ERROR_RESTRICTED, /* a wrong password, others may read the file, somebody else's entity */
    SHOAL_ERROR_UNSUPPORTED, /* understood, and too new for this version */
    SHOAL_ERROR_SYSTEM,      /* the system says no: the disk is full, another process writes */
};

struct shoal_error {
    enum shoal_error_code code;
    char text[120]; /* for people */
};

/* "0.1.0", of the library that runs. */
const char *shoal_version(void);

/* Frees what a function returns as char *. */
void shoal_text_free(char *text);

/* ---- keys ---- */

/* A new identity, random. shoal_keys_free */
struct shoal_keys *shoal_keys_new(struct shoal_error *error);

/* The identity in a file, which the password opens: that takes about half a second. file NULL: the
 * one that the command line uses. shoal_keys_free */
struct shoal_keys *shoal_keys_open(const char *file, const char *password,
                                   struct shoal_error *error);

/* Writes it, whole or not at all, to a file that only the user may read, in a folder that is there.
 * Never over a file that is there. */
bool shoal_keys_save(const struct shoal_keys *keys, const char *file, const char *password,
                     struct shoal_error *error);

const char *shoal_keys_pubkey(const struct shoal_keys *keys);
void shoal_keys_free(struct shoal_keys *keys);

/* ---- events ---- */

/* An event is a line of JSON, as relays take it. */
struct shoal_draft {
    int kind;           /* 0 to 65535 */
    int64_t created_at; /* 0: now */
    const char *tags;   /* a JSON array of arrays of strings; NULL: none */
    const char *content;
};

/* Signs an event. id: what it is given; may be NULL. shoal_text_free */
char *shoal_event_sign(const struct shoal_keys *keys, const struct shoal_draft *draft,
                       char id[SHOAL_HEX_SIZE], struct shoal_error *error);

/* Whether it is an event, the id is its own, and the signature its author's. id: as above. */
bool shoal_event_verify(const char *json, size_t size, char id[SHOAL_HEX_SIZE],
                        struct shoal_error *error);

/* ---- the store ---- */

/* Opens the store in a folder, made where there is none. folder NULL: the one that the command line
 * uses. Any number of processes may have it open. shoal_store_close */
struct shoal_store *shoal_store_open(const char *folder, struct shoal_error *error);

/* Its syncs have been freed. */
void shoal_store_close(struct shoal_store *store);

/* Whether new events of one's own are queued for a relay; when they are not any more, what is
 * queued for it is dropped. */
bool shoal_store_set_relay(struct shoal_store *store, const char *url, bool is_on,
                           struct shoal_error *error);

enum shoal_verdict {
    SHOAL_NEW,
    SHOAL_DUPLICATE,   /* it was here */
    SHOAL_QUARANTINED, /* kept, but ahead of the clock: it counts when its time comes */
    SHOAL_EPHEMERAL,   /* of a kind that nobody keeps */
};

/* Verifies an event and keeps it. is_sent: it is queued for the store's relays, too. verdict may be
 * NULL. */
bool shoal_store_put(struct shoal_store *store, const char *json, size_t size, bool is_sent,
                     enum shoal_verdict *verdict, struct shoal_error *error);

/* The events that match a filter (NIP-01, as JSON), the newest first; also those that came sealed
 * for a circle and were opened, which are for its members alone. False from the function ends it;
 * it uses neither the store nor its syncs, and json is valid until it returns. */
typedef bool shoal_query_fn(void *owner, const char *json, size_t size);
bool shoal_store_query(struct shoal_store *store, const char *filter, shoal_query_fn *fn,
                       void *owner, struct shoal_error *error);

/* How many sendings are queued, and how many a relay refused for good. */
bool shoal_store_outbox(struct shoal_store *store, uint64_t *queued, uint64_t *refused,
                        struct shoal_error *error);

/* Of all that is here: two stores with the same events have the same hash. */
bool shoal_store_hash(struct shoal_store *store, char hash[SHOAL_HEX_SIZE],
                      struct shoal_error *error);

/* ---- entities ---- */

/* What a change does to what is called key. Values are JSON; places are from 0, as the changes
 * before this one leave them. */
enum shoal_change_kind {
    SHOAL_SET = 1, /* the field: value */
    SHOAL_UNSET,   /* the field is gone */
    SHOAL_ADD,     /* the set: value is in it */
    SHOAL_REMOVE,  /* the set: value, as it is seen here, is not */
    SHOAL_COUNT,   /* the counter: so much is added */
    SHOAL_INSERT,  /* the list: value is at place to, or last with SHOAL_LAST */
    SHOAL_MOVE,    /* the list: what is at place from is at place to */
    SHOAL_TAKE,    /* the list: what is at place from is gone */
    SHOAL_DELETE,  /* all of the entity is deleted; no key */
    SHOAL_RESTORE, /* and is not; no key */
};

#define SHOAL_LAST SIZE_MAX

struct shoal_change {
    enum shoal_change_kind kind; /* 0: none, the end of a list */
    const char *key, *value;
    int64_t amount; /* of SHOAL_COUNT */
    size_t from, to;
};

struct shoal_entity {
    const char *type;                   /* "note": what it is */
    const char *circle;                 /* whose writers change it; NULL: it is one's own */
    const struct shoal_change *changes; /* that it begins with, as those below; NULL: none */
};

/* Makes an entity, or changes one of one's own or of a circle, with one event, which is queued for
 * the store's relays. changes: up to one of kind 0, at most 999. */
bool shoal_entity_new(struct shoal_store *store, const struct shoal_keys *keys,
                      const struct shoal_entity *entity, char id[SHOAL_HEX_SIZE],
                      struct shoal_error *error);
bool shoal_entity_change(struct shoal_store *store, const struct shoal_keys *keys, const char *id,
                         const struct shoal_change *changes, struct shoal_error *error);

/* {"id":…,"author":…,"deleted":…,"hash":…,"state":{…},"text":…}: the state has the members
 * type, fields, sets, lists and counters, less those that are empty, and the hash is of state and
 * text, whatever the order that events came in. shoal_text_free */
char *shoal_entity_get(struct shoal_store *store, const char *id, struct shoal_error *error);

/* ---- texts ---- */

/* An entity has a text, a document of Yjs, which many write at the same time. */
enum shoal_edit_kind {
    SHOAL_SPLICE = 1, /* count units at a place are replaced; both are of UTF-16 */
    SHOAL_UPDATE,     /* what an editor that speaks Yjs wrote, by an update (version 1) */
    SHOAL_UNDO,       /* this device's last edit is taken back; what others wrote stays */
    SHOAL_REDO,       /* what was taken back last is there again, unless one has edited since */
};

struct shoal_edit {
    enum shoal_edit_kind kind;
    size_t at, count;
    const char *utf8;   /* what comes with a splice; NULL: nothing */
    const void *update; /* what of it is new here is published: up to 44,000 bytes */
    size_t update_size;
};

/* Edits the text of an entity, with one event. */
bool shoal_doc_edit(struct shoal_store *store, const struct shoal_keys *keys, const char *id,
                    const struct shoal_edit *edit, struct shoal_error *error);

/* The clientID for an editor that speaks Yjs to write with, here and in this entity alone, in a
 * document whose getText("text") is the text. One that takes an ID of its own claims it: of two
 * people who claim the same the first is heard. */
bool shoal_doc_client(struct shoal_store *store, const struct shoal_keys *keys, const char *id,
                      uint64_t *client, struct shoal_error *error);

/* The update with all that an editor of this state vector lacks; vector NULL: with everything.
 * size bytes; shoal_text_free */
char *shoal_doc_diff(struct shoal_store *store, const char *id, const void *vector,
                     size_t vector_size, size_t *size, struct shoal_error *error);

/* ---- circles ---- */

/* Each may do what those before it may. */
enum shoal_role {
    SHOAL_NOBODY, /* no member */
    SHOAL_READER,
    SHOAL_WRITER,
    SHOAL_MODERATOR, /* voids what others wrote */
    SHOAL_ADMIN,     /* adds and removes */
};

/* Begins a circle, of whose members one is the first admin. What is written in it is sealed for
 * them, unless is_open: then anybody reads it. */
bool shoal_circle_new(struct shoal_store *store, const struct shoal_keys *keys, const char *name,
                      bool is_open, char id[SHOAL_HEX_SIZE], struct shoal_error *error);

/* Lets somebody in, gives a member another role, or with SHOAL_NOBODY removes one, who reads
 * nothing that follows, as there is a new key; whoever does that to himself leaves. */
bool shoal_circle_set_role(struct shoal_store *store, const struct shoal_keys *keys,
                           const char *circle, const char *who, enum shoal_role role,
                           struct shoal_error *error);

/* What somebody may do, by all that is here. */
bool shoal_circle_role(struct shoal_store *store, const char *circle, const char *who,
                       enum shoal_role *role, struct shoal_error *error);

/* Opens the keys that came sealed for one, and all that waited for them: what a circle wrote is
 * read after that. opened: how many were new. */
bool shoal_circle_unlock(struct shoal_store *store, const struct shoal_keys *keys, uint64_t *opened,
                         struct shoal_error *error);

/* ---- sync ---- */

struct shoal_sync_setup {
    const char *const *relays;     /* ws:// or wss:// */
    size_t relay_count;            /* 0: the store's */
    const char *const *filters;    /* NIP-01, as JSON, without limits: what is to be equal */
    size_t filter_count;           /* 0: only what is queued is sent */
    const struct shoal_keys *keys; /* who we are, to relays that ask (NIP-42); NULL: nobody */
    const char *proxy;             /* SOCKS5, "host:port"; NULL: none */
    const char *ca_file;           /* PEM, trusted besides the system's; NULL: none */
    int64_t timeout_ms;            /* without a word from a relay; 0: 15,000 */
};

enum shoal_sync_state {
    SHOAL_SYNC_RUNS,
    SHOAL_SYNC_DONE,   /* with every relay */
    SHOAL_SYNC_FAILED, /* with some of them */
};

/* Begins to send what is queued, and to fetch and send what differs: by NIP-77, or page by page
 * with a relay that does not know it. A store has one sync at a time. shoal_sync_free */
struct shoal_sync *shoal_sync_new(struct shoal_store *store, const struct shoal_sync_setup *setup,
                                  struct shoal_error *error);

struct shoal_progress {
    enum shoal_sync_state state;
    int fd;           /* when it can be read, the next step is due; */
    int wait_ms;      /* or when that many milliseconds have passed; -1: however many */
    uint64_t fetched; /* new here */
    uint64_t sent;    /* new there */
    uint64_t refused; /* by relays, for good */
    const char *why;  /* what the last relay that failed said, or what was wrong; "": none did */
};

/* For the caller's loop: does what there is to do, and never waits. progress may be NULL; why is
 * valid until the next step. */
enum shoal_sync_state shoal_sync_step(struct shoal_sync *sync, struct shoal_progress *progress);

/* May be called at any step: what was not done stays queued. May wait for the name of a relay that
 * is being looked up. */
void shoal_sync_free(struct shoal_sync *sync);

#ifdef __cplusplus
}
#endif

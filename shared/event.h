/* event.h - the one object of the protocol: parse, canonical serialisation, id.
 *
 * Tags and content are kept as the sender's own JSON text, so that what is served
 * hashes to the same id whatever the escapes were. Tags are also decoded, to be matched.
 *
 *   units      created_at: unix seconds
 *   ownership  spans point into the text parsed or into the arena: both must outlive the event
 *   threads    immutable once parsed
 *   errors     ERR_INVALID, with what is wrong and where
 *   spec       NIP-01 "Events and signatures"; NIP-13, NIP-40, NIP-70 for their tags
 */
#pragma once

#include "shared/base.h"

struct arena;
struct err;
struct scan;
struct text;

struct tag {
    const struct span *items; /* decoded UTF-8; items[0] is the name, items[1] the value */
    uint32_t count;           /* items; may be 0 */
};

struct event {
    struct bytes32 id;
    struct bytes32 pubkey;
    struct bytes64 sig;
    int64_t created_at; /* 0 to INT64_MAX */
    uint16_t kind;
    uint32_t tag_count;
    const struct tag *tags;
    struct span tags_json;    /* the array, as sent, less whitespace between tokens */
    struct span content_json; /* the string's body, as sent: still escaped, without quotes */
};

/* Parses one event object; text must hold nothing else but whitespace. Structure, types and
 * ranges are checked; id and signature are not. On failure event->id is still the sender's if a
 * well-formed "id" could be found anywhere in text, else zeroes; nothing else of event is valid. */
MUST_CHECK bool event_parse(struct event *event, struct arena *arena, struct span text,
                            struct err *err);

/* The same, for an event inside a longer text; scan ends up behind it. */
MUST_CHECK bool event_scan(struct event *event, struct arena *arena, struct scan *scan,
                           struct err *err);

/* The same for a rumor, an event that nobody signed: without "sig". spec: NIP-59 */
MUST_CHECK bool event_parse_rumor(struct event *event, struct arena *arena, struct span text,
                                  struct err *err);

/* The first "id" with 64 lowercase hex digits in text that may be anything; else zeroes. */
void event_find_id(struct bytes32 *id, struct span text);

/* Sets tags, tag_count and tags_json from the text of a tags array. */
MUST_CHECK bool event_parse_tags(struct event *event, struct arena *arena, struct span json,
                                 struct err *err);

/* The canonical forms in the wild. They differ only for control bytes without a short escape. */
enum event_form {
    EVENT_FORM_JSON,     /* C0 as \u00xx, DEL verbatim: JSON.stringify, go-nostr */
    EVENT_FORM_STRFRY,   /* C0 and DEL as \u00xx */
    EVENT_FORM_VERBATIM, /* every one verbatim: the letter of NIP-01 */
};

/* Writes [0,pubkey,created_at,kind,tags,content]. */
void event_serialize(struct text *out, const struct event *event, enum event_form form);

struct bytes32 event_hash(const struct event *event, enum event_form form);

/* True when id is the hash of any form. */
MUST_CHECK bool event_check_id(const struct event *event);

/* Appends the event as one line of JSON. */
void event_write(struct text *out, const struct event *event);

/* The same without the signature. */
void event_write_rumor(struct text *out, const struct event *event);

/* Value of the first tag of that name that has one; NULL when there is none. */
const struct span *event_tag_value(const struct event *event, struct span name);

/* The d of an addressable event: the value of the first "d" tag, "" when there is none. */
struct span event_identifier(const struct event *event);

/* NIP-40: true and the time when the first expiration tag holds a number. */
bool event_expiration(const struct event *event, int64_t *expires_at);

/* NIP-70: holds the tag ["-"]. */
bool event_is_protected(const struct event *event);

/* NIP-13: leading zero bits of the id. */
uint32_t event_difficulty(const struct event *event);

/* NIP-13: true and the target when a nonce tag commits to one. */
bool event_pow_target(const struct event *event, uint32_t *target);

/* True when some tag named name has pubkey, in lowercase hex, as its value. */
bool event_names_pubkey(const struct event *event, char name, const struct bytes32 *pubkey);

/* Unicode characters in content once its escapes are resolved. */
size_t event_content_chars(const struct event *event);

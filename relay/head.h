/* head.h - the head of an HTTP/1 request: its first line and the fields a relay looks at.
 *
 *   ownership  spans point into the bytes parsed, or into the arena where a field came in parts
 *   threads    pure
 *   spec       RFC 9112, RFC 9110
 */
#pragma once

#include "shared/base.h"

struct arena;

enum { HEAD_BYTES_MAX = 16384 };

#define HEAD_FIELDS(X)                                  \
    X(ACCEPT, "accept")                                 \
    X(AUTHORIZATION, "authorization")                   \
    X(CONNECTION, "connection")                         \
    X(CONTENT_LENGTH, "content-length")                 \
    X(CONTENT_TYPE, "content-type")                     \
    X(FORWARDED_FOR, "x-forwarded-for")                 \
    X(HOST, "host")                                     \
    X(TRANSFER_ENCODING, "transfer-encoding")           \
    X(UPGRADE, "upgrade")                               \
    X(WEBSOCKET_EXTENSIONS, "sec-websocket-extensions") \
    X(WEBSOCKET_KEY, "sec-websocket-key")               \
    X(WEBSOCKET_PROTOCOL, "sec-websocket-protocol")     \
    X(WEBSOCKET_VERSION, "sec-websocket-version")

#define HEAD_ENUM(name, text) HEAD_##name,
enum head_field { HEAD_FIELDS(HEAD_ENUM) HEAD_FIELD_COUNT };
#undef HEAD_ENUM

enum head_result {
    HEAD_DONE,
    HEAD_PARTIAL, /* more bytes are needed */
    HEAD_TOO_LONG,
    HEAD_WRONG,
};

struct head {
    struct span method;
    struct span path; /* without query */
    bool is_1_0;
    struct span fields[HEAD_FIELD_COUNT]; /* at NULL when absent; joined by ", " when repeated */
};

/* used: the bytes of the head, when it is done. */
enum head_result head_parse(struct head *head, struct arena *arena, struct span bytes,
                            size_t *used);

/* Cuts the part before the first separator off text, without the blanks around it. */
struct span head_cut(struct span *text, char separator);

/* Whether text is word, in any case. */
bool head_is(struct span text, const char *word);

/* Whether a field is a list in which word stands, in any case. */
bool head_has(struct span list, const char *word);

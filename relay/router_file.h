/* router_file.h - which streams a router keeps up, as its configuration file says. Part of router.
 *
 *     # a stream is a section; its settings follow
 *     [friends]
 *     direction = both
 *     filter = {"kinds":[0,1,3]}
 *     url = wss://one.example
 *     url = wss://two.example
 *
 *   ownership  everything lives in the arena
 *   threads    immutable once parsed
 *   errors     ERR_INVALID, with the number of the line
 */
#pragma once

#include "shared/base.h"
#include "shared/filter.h"
#include "shared/url.h"

struct arena;
struct err;

enum {
    ROUTER_STREAMS_MAX = 64,
    ROUTER_URLS_MAX = 64, /* of a stream */
    ROUTER_NAME_CHARS_MAX = 32,
    ROUTER_URL_CHARS_MAX = 1000,
    ROUTER_FILE_BYTES_MAX = 1 << 20,
};

struct router_stream {
    const char *name; /* letters, digits, _ and - */
    bool down, up;    /* to here, from here */
    struct filter filter;
    const struct url *urls;
    uint32_t url_count;
};

struct router_file {
    const struct router_stream *streams;
    uint32_t count;
};

/* text must live as long as the arena. */
MUST_CHECK bool router_file_parse(struct router_file *file, struct arena *arena, struct span text,
                                  struct err *err);

/* load.h - the kinds of load, and what they are told.
 *
 * Each prints lines "name value" and returns false when the relay did not do all it had to.
 *
 *   units  latencies in microseconds (_us); rates per second (_s is seconds)
 */
#pragma once

#include "shared/base.h"

struct load {
    const char *url, *file;
    const char *pids;  /* of the server; NULL: unknown */
    const char *class; /* of query: one alone; NULL: all in turn */
    uint64_t events;   /* to publish, or to draw filters from; 0: all in the file */
    uint64_t skip;     /* events of the file */
    uint64_t connections, window;
    uint64_t requests, seed, bytes;
    double per_s; /* publish at this rate instead of a window; 0: as fast as possible */
    double seconds;
};

bool load_echo(const struct load *load);
bool load_fanout(const struct load *load);
bool load_idle(const struct load *load);
bool load_ingest(const struct load *load);
bool load_query(const struct load *load);
bool load_settle(const struct load *load);

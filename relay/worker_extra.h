/* worker_extra.h - the parts of a relay that its configuration may leave out: search, rules, trust,
 * the policy plugin. Part of worker.
 *
 *   threads  loop thread only
 *   errors   ERR_INVALID: a file of keys has changed since it was checked
 */
#pragma once

#include <uv.h>

#include "relay/kind_set.h"

struct err;
struct plugin;
struct rules;
struct searches;
struct shards;
struct trust;
struct worker_setup;

struct worker_extra {
    struct kind_set search_kinds;
    struct searches *search; /* NULL: off */
    struct rules *rules;
    struct trust *trust;   /* NULL: everybody is trusted */
    struct plugin *plugin; /* NULL: none */
};

MUST_CHECK bool worker_extra_open(struct worker_extra *extra, uv_loop_t *loop,
                                  const struct worker_setup *setup, struct shards *store,
                                  struct err *err);

/* When nothing asks them any more, before the store is freed. */
void worker_extra_close(struct worker_extra *extra);

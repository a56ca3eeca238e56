/* booth.h - a stage is offered at relays, and lets in the leads that write to its key.
 *
 *   ownership  booth_open gives what booth_agent's close frees, or booth_close where the agent was
 *              never used; options are borrowed for as long
 *   threads    booth_open before there are others: a password may be asked for; else the loop's
 *   errors     those of identity and post; ERR_INVALID a price, or an address that others do not
 *              reach
 */
#pragma once

#include "gpu/identity.h"
#include "gpu/outpost.h"
#include "gpu/post.h"

struct booth;

struct booth_options {
    const char *const *relays;
    uint32_t relay_count;
    struct identity_options identity;
    const char *model;  /* its path, */
    const char *name;   /* and how it is called; NULL: as its file or folder */
    const char *listen; /* HOST:PORT, as the stage has it */
    const char *url;    /* ws://HOST:PORT, where others reach it; NULL: where it listens */
    const char *price;  /* that it wants at least, as price.h reads it; NULL: it is free */
    const char *device;
    enum dtype_made weights;
};

/* NULL on failure. */
MUST_CHECK struct booth *booth_open(const struct booth_options *options, struct err *err);
void booth_close(struct booth *booth);

struct outpost_agent booth_agent(struct booth *booth);

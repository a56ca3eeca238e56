/* tail.h - what comes into a store, told as soon as it is there, whichever process put it in.
 *
 * Each commit of any process touches the store's lock file, which the system tells of.
 *
 *   ownership  loop and store outlive it; tail_free to be called once, memory goes when the last
 *              handle has closed
 *   threads    loop thread only
 *   errors     ERR_INTERNAL: the system watches no more files; the store's
 *   order      as they came into the store; each event that counts by now, once
 */
#pragma once

#include "shared/base.h"

struct catalog_event;
struct err;
struct store;
struct tail;
struct uv_loop_s;

struct tail_setup {
    struct uv_loop_s *loop;
    struct store *store;
    const char *folder;       /* of the store */
    uint64_t (*now_ms)(void); /* unix milliseconds */
    /* Neither is called from within tail_new. came: valid for the call, which may call tail_free */
    void (*came)(void *owner, const struct catalog_event *event);
    void (*failed)(void *owner, const struct err *err); /* nothing more is told */
    void *owner;
};

/* From what is there now on. NULL on failure. */
struct tail *tail_new(const struct tail_setup *setup, struct err *err);
void tail_free(struct tail *tail);

/* Tells what is there at once, of one's own, say. */
void tail_look(struct tail *tail);

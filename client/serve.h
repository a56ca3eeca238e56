/* serve.h - a small relay over the store, for two clients to meet where there is no other: on one
 * machine, or in a network whose members trust each other.
 *
 * It speaks NIP-01, COUNT and NIP-77, and keeps whatever is signed. Who reaches its port reads all
 * that is in the store but what is sealed there, of which he is told the seal; or only people who
 * are named do, once they have proved who they are. Nobody in a browser does, as what says where it
 * comes from is turned away. Who subscribes hears of what other processes put in, too.
 *
 *   units      bytes of messages
 *   ownership  loop and store outlive it; serve_free to be called once, memory goes when the last
 *              handle has closed
 *   threads    loop thread only
 *   errors     ERR_INTERNAL: no such address, or somebody else has the port
 *   bounds     the SERVE_ below, for each client that is connected; who reads too slowly, or sends
 *              what is too long, is disconnected
 *   spec       NIP-01, NIP-11, NIP-42, NIP-45, NIP-67, NIP-77
 */
#pragma once

#include "shared/base.h"

struct err;
struct serve;
struct store;
struct uv_loop_s;

enum {
    SERVE_GUESTS_MAX = 64,
    SERVE_SUBS_MAX = 32,
    SERVE_FILTERS_MAX = 16,
    SERVE_PAGE_MAX = 500, /* events for a filter */
    SERVE_MESSAGE_BYTES_MAX = 1 << 19,
    SERVE_PAGE_BYTES_MAX = 1 << 22,  /* for a REQ */
    SERVE_QUEUE_BYTES_MAX = 1 << 24, /* to be sent */
    SERVE_RECORDS_MAX = 500000,      /* that are compared */
};

struct serve_setup {
    struct uv_loop_s *loop;
    struct store *store;
    const char *folder;  /* of the store */
    const char *address; /* of an interface; NULL: every */
    uint16_t port;       /* 0: any that is free */
    bool is_read_only;
    const struct bytes32 *people; /* who may read and write, outlive it; none: everybody */
    size_t people_count;
    const char *url; /* by which it is known to them, outlives it; NULL: by its address alone */
    uint64_t (*now_ms)(void); /* unix milliseconds */
};

struct serve *serve_new(const struct serve_setup *setup, struct err *err);
void serve_free(struct serve *serve);

uint16_t serve_port(const struct serve *serve);

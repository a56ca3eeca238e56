/* plugin.h - an operator's program that judges events, in the protocol of strfry's plugins.
 *
 * A line of JSON for each event goes to its stdin, a line with the verdict comes back. It is asked
 * without waiting for the answer before, so it should answer in order; an answer is told by its id.
 * An event that is not judged in time, because the plugin is slow, silent, dead or not restarted
 * yet, gets the verdict that the operator has set for that. A plugin that ends is started again,
 * after a pause that doubles; one that answers nothing for long is killed first. What it writes to
 * stderr is logged.
 *
 *   threads  loop thread only
 *   spec     strfry "docs/plugins.md"
 */
#pragma once

#include <uv.h>

#include "relay/plugin_answer.h"

struct event;
struct plugin;

/* WAITING_MAX: events that are not judged yet; above, they get the verdict of those not judged.
 * SENT_MAX: of these, what the plugin has been told already. */
enum { PLUGIN_WAITING_MAX = 8192, PLUGIN_SENT_MAX = 256, PLUGIN_LINE_BYTES_MAX = 65536 };

struct plugin_setup {
    const char *command;     /* for /bin/sh; kept, not copied, as the next */
    const char *user;        /* whom it becomes where we are root, as sync and router may be */
    int64_t timeout_ms;      /* of an event */
    bool accepts_on_failure; /* what is not judged in time */
};

/* Starts it at once. */
struct plugin *plugin_new(uv_loop_t *loop, const struct plugin_setup *setup);

/* Nothing may be waiting. */
void plugin_free(struct plugin *plugin);

/* May answer from within plugin_ask. why: of a rejection. */
typedef void plugin_reply_fn(void *owner, enum plugin_action action, const struct err *why);

struct plugin_call {
    const struct event *event;    /* borrowed until the reply */
    int64_t received_at;          /* unix seconds */
    const char *source_type;      /* IP4, IP6, Import, Stream, Sync */
    const char *source_info;      /* the address, or the URL of the relay */
    const struct bytes32 *authed; /* NULL: nobody */
    plugin_reply_fn *reply;
    void *owner;
};

void plugin_ask(struct plugin *plugin, const struct plugin_call *call);

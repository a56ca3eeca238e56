/* relay.h - a real shoal-relay process for a test: started, killed, stopped, judged.
 *
 * By default it stands on the test database (TEST_DB in the environment: a libpq connection
 * string), in a schema of its own, on a free port, without rate limits.
 * Stopping asserts exit status 0, that no process is left, and that no sanitizer spoke.
 *
 *   ownership  relay_start begins, relay_stop or relay_kill ends it
 *   errors     a failed assertion of the running test, with the relay's log on stderr
 */
#pragma once

#include <sys/types.h>

#include "shared/base.h"

struct relay {
    pid_t pid;
    int out; /* its stdout: ends when its last process has ended */
    uint16_t port;
    char schema[64];
    const char *database; /* "": its own cluster */
    char log_path[64];    /* its stderr */
    char ready[1024];     /* what it printed once it was ready */
};

struct relay_setup {
    const char *const *options; /* "name=value", up to NULL; later ones win. NULL: none */
    const char *database;       /* NULL: TEST_DB; "": its own cluster */
    const char *schema;         /* NULL: a new one; of its own cluster: always the same */
    const char *data_dir;       /* of its own cluster */
    const char *binary;         /* NULL: RELAY_BINARY of the environment, or the built one */
};

/* OPTIONS("limit_max=5", "filters_max=2") */
#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What is run when the setup does not say. */
const char *relay_binary(void);

/* Waits until it is ready. */
void relay_start(struct relay *relay, const struct relay_setup *setup);

/* The same in two steps. */
void relay_begin(struct relay *relay, const struct relay_setup *setup);
void relay_await_ready(struct relay *relay);

/* The same, but false when it ends before it is ready; for those that may not start. */
MUST_CHECK bool relay_try_start(struct relay *relay, const struct relay_setup *setup);

/* Waits until its log holds that text. */
void relay_await_log(const struct relay *relay, const char *text);

/* SIGTERM, and waits for its end. */
void relay_stop(struct relay *relay);

/* Waits for the end that something else brings about, and judges it as relay_stop does. */
void relay_await_end(struct relay *relay);

/* SIGKILL to the process that was started; its children end by themselves. Waits for all. */
void relay_kill(struct relay *relay);

/* Its children whose name is name ("shoal-relay", "postgres"), in out. Returns how many. */
size_t relay_children(const struct relay *relay, const char *name, pid_t *out, size_t out_max);

/* A new folder that the relay's cluster may use as data_dir when started as root. Removed, with
 * all that is in it, by relay_remove_folder. */
const char *relay_new_folder(void);
void relay_remove_folder(const char *folder);

#include "relay/cluster_setup.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Constant settings, in the words of postgresql.conf. */
static const char *const constants[] = {
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "fsync=on",
    "recovery_init_sync_method=syncfs", /* after a crash: at once, not seconds, file by file */
    "full_page_writes=on",
    "synchronous_commit=on",
    "jit=off",
    "max_parallel_workers_per_gather=0",
    "wal_level=replica",
    "wal_compression=lz4",
    "max_wal_size=2GB",
    "checkpoint_timeout=30min",
    "random_page_cost=1.1",
    "effective_io_concurrency=64",
    "default_toast_compression=lz4",
    "work_mem=16MB",
    "maintenance_work_mem=256MB",
    "autovacuum_naptime=20s",
    "autovacuum_vacuum_cost_limit=2000",
    "huge_pages=try",
    "deadlock_timeout=200ms",
    "idle_in_transaction_session_timeout=60s",
    /* its log is ours: no events' text in it, and one line a fact */
    "logging_collector=off",
    "log_destination=stderr",
    "log_line_prefix=",
    "log_checkpoints=off",
    "log_min_messages=warning",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "lc_messages=C",
    "cluster_name=shoal",
};

int64_t cluster_setup_memory(void)
{
    int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "re");
    char line[32] = "";
    if (file == NULL)
        return memory;
    const char *read = fgets(line, sizeof line, file);
    fclose(file);
    int64_t limit = read != NULL ? strtoll(line, NULL, 10) : 0; /* "max": 0 */
    return limit > 0 && limit < memory ? limit : memory;
}

static void add(struct cluster_setup *setup, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct cluster_setup *setup, const char *format, ...)
{
    char *at = setup->text + setup->len;
    size_t room = sizeof setup->text - setup->len;
    va_list list;
    va_start(list, format);
    int len = vsnprintf(at, room, format, list);
    va_end(list);
    assert(len >= 0 && (size_t)len < room && setup->count < CLUSTER_ARGUMENTS_MAX - 1);
    setup->len += (size_t)len + 1;
    setup->argv[setup->count++] = at;
}

/* A quarter of the memory would be PostgreSQL's due on a machine of its own; a gigabyte is enough
 * for the pages that are hot, and leaves the neighbours theirs. */
static int64_t shared_buffers_mb(int64_t memory)
{
    int64_t megabytes = (memory >> 20) / 4;
    if (megabytes < 128)
        return 128;
    return megabytes < 1024 ? megabytes : 1024;
}

void cluster_setup_fill(struct cluster_setup *setup, const struct cluster_place *place,
                        const struct config *config)
{
    enum { TOOLS = 20, WRITERS = 4 }; /* connections, for the latter per process */
    int64_t memory = cluster_setup_memory();
    int64_t positions = config->database_read[0] != '\0';
    int64_t connections =
        config_processes(config) * (config->database_readers + WRITERS + positions) + TOOLS;

    *setup = (struct cluster_setup){0};
    add(setup, "%s/postgres", place->bin);
    add(setup, "-D");
    add(setup, "%s", place->postgres);
    add(setup, "-c");
    add(setup, "unix_socket_directories=\"%s\"", place->run);
    add(setup, "-c");
    add(setup, "shared_buffers=%" PRId64 "MB", shared_buffers_mb(memory));
    add(setup, "-c");
    add(setup, "effective_cache_size=%" PRId64 "MB", (memory >> 20) * 6 / 10);
    add(setup, "-c");
    add(setup, "max_connections=%" PRId64, connections < 40 ? 40 : connections);
    for (size_t i = 0; i < ARRAY_LEN(constants); i++) {
        add(setup, "-c");
        add(setup, "%s", constants[i]);
    }
}

/* Memory of an idle connection with one subscription: what ops/bench/idle runs.
 *
 *     bench_idle [CONNECTIONS [OPTION=VALUE]...]     default: 2000
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"

enum { OPTIONS_MAX = 16, CHILDREN_MAX = 64, WARM = 50 };

struct memory {
    long rss_kb, pss_kb;
};

static void add_memory(struct memory *memory, pid_t pid)
{
    char line[256];
    FILE *file = fopen(scratch_format("/proc/%d/smaps_rollup", pid), "r");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Rss:", 4) == 0)
            memory->rss_kb += strtol(line + 4, NULL, 10);
        if (strncmp(line, "Pss:", 4) == 0)
            memory->pss_kb += strtol(line + 4, NULL, 10);
    }
    fclose(file);
}

/* Of the relay's own processes: supervisor and workers. */
static struct memory measure(const struct relay *relay)
{
    struct memory memory = {0};
    pid_t children[CHILDREN_MAX];
    size_t count = relay_children(relay, "shoal-relay", children, CHILDREN_MAX);
    add_memory(&memory, relay->pid);
    for (size_t i = 0; i < count; i++)
        add_memory(&memory, children[i]);
    return memory;
}

/* Sends as browsers do: its REQ is compressed where that was agreed on. */
static void open_idle(struct talk *talk, const struct relay *relay, int number, bool deflate)
{
    const char *req =
        scratch_format("[\"REQ\",\"home\",{\"kinds\":[1,6,7],\"authors\":[\"%s\"],\"limit\":0}]",
                       signer_pubkey(1000000 + (uint32_t)number));
    struct text packed = {0};
    talk_open_with(talk, &(struct ws_options){.address = {"127.0.0.1", relay->port, NULL, NULL, 0},
                                              .deflate = deflate});
    if (talk->ws.deflater == NULL) {
        talk_say(talk, req);
    } else {
        ws_deflate(&packed, &talk->ws, (struct span){req, strlen(req)});
        ws_send_frame(
            &talk->ws,
            &(struct ws_frame){.opcode = WS_TEXT, .rsv = WS_RSV1, .payload = text_span(&packed)});
        text_clear(&packed);
    }
    talk_await(talk, "EOSE");
}

static void print_change(const char *what, long before_kb, long after_kb, int connections)
{
    printf("  %s  %8ld kB with %d, %8ld kB with %d: %.2f kB a connection\n", what, before_kb, WARM,
           after_kb, connections + WARM, (double)(after_kb - before_kb) / connections);
}

static void run(int connections, const char *const *options, bool deflate)
{
    struct relay relay;
    const char *folder = relay_new_folder();
    struct talk *talks = calloc((size_t)connections + WARM, sizeof *talks);
    if (talks == NULL)
        abort();
    relay_start(&relay,
                &(struct relay_setup){.database = "", .data_dir = folder, .options = options});
    for (int i = 0; i < WARM; i++)
        open_idle(&talks[i], &relay, i, deflate);
    struct memory before = measure(&relay);
    for (int i = WARM; i < WARM + connections; i++)
        open_idle(&talks[i], &relay, i, deflate);
    struct memory after = measure(&relay);
    printf("%s\n", deflate ? "permessage-deflate" : "plain");
    print_change("RSS", before.rss_kb, after.rss_kb, connections);
    print_change("PSS", before.pss_kb, after.pss_kb, connections);
    for (int i = 0; i < WARM + connections; i++)
        talk_close(&talks[i]);
    free(talks);
    relay_stop(&relay);
    relay_remove_folder(folder);
}

int main(int argc, char **argv)
{
    int connections = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2000;
    struct rlimit files;
    const char *options[OPTIONS_MAX] = {"connections_per_address_max=1000000",
                                        "connections_max=1000000", "ping_s=3600"};
    for (int i = 2; i < argc && i + 2 < OPTIONS_MAX; i++)
        options[i + 1] = argv[i];
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (connections < 1 || (rlim_t)connections + WARM + 100 > files.rlim_cur) {
        fprintf(stderr, "from 1 to %llu connections\n", (unsigned long long)files.rlim_cur - 150);
        return 2;
    }
    run(connections, options, false);
    run(connections, options, true);
    return 0;
}

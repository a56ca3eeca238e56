/* The load generator: one thread, one epoll, figures as lines "name value" on stdout.
 *
 *     bench_load MODE [--option value]...
 */
#include "ops/bench/load.h"

#include <stdio.h>
#include <stdlib.h>

#include "ops/bench/fatal.h"

struct mode {
    const char *name;
    bool (*run)(const struct load *load);
};

static const struct mode modes[] = {
    {"echo", load_echo},     {"fanout", load_fanout}, {"idle", load_idle},
    {"ingest", load_ingest}, {"query", load_query},   {"settle", load_settle},
};

static _Noreturn void usage(void)
{
    fatal(
        "usage: bench_load MODE [--option value]...\n"
        "  all     --url ws://host:port/path --pids PID[,PID]\n"
        "  echo    --connections N --window N --bytes N --seconds N\n"
        "  fanout  --file F --skip N --events N --connections SUBSCRIBERS --window N | --per-s N\n"
        "  idle    --file F --connections N\n"
        "  ingest  --file F --skip N --events N --connections N --window N | --per-s N\n"
        "  query   --file F --events N --connections N --requests N [--class NAME] [--seed N]\n"
        "  settle  --seconds N");
}

static bool set_text(struct load *load, const char *name, const char *value)
{
    struct {
        const char *name, **field;
    } fields[] = {{"--url", &load->url},
                  {"--file", &load->file},
                  {"--pids", &load->pids},
                  {"--class", &load->class}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(fields[i].name, name) == 0) {
            *fields[i].field = value;
            return true;
        }
    return false;
}

static bool set_count(struct load *load, const char *name, const char *value)
{
    struct {
        const char *name;
        uint64_t *field;
    } fields[] = {{"--bytes", &load->bytes},   {"--connections", &load->connections},
                  {"--events", &load->events}, {"--requests", &load->requests},
                  {"--seed", &load->seed},     {"--skip", &load->skip},
                  {"--window", &load->window}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(fields[i].name, name) == 0) {
            *fields[i].field = strtoul(value, NULL, 10);
            return true;
        }
    return false;
}

static bool set_real(struct load *load, const char *name, const char *value)
{
    if (strcmp(name, "--per-s") == 0)
        load->per_s = strtod(value, NULL);
    else if (strcmp(name, "--seconds") == 0)
        load->seconds = strtod(value, NULL);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct load load = {.url = "ws://127.0.0.1:7777/",
                        .connections = 1,
                        .window = 1,
                        .requests = 7000,
                        .seed = 1,
                        .bytes = 900,
                        .seconds = 3};
    if (argc < 2 || argc % 2 != 0)
        usage();
    for (int i = 2; i < argc; i += 2)
        if (!set_text(&load, argv[i], argv[i + 1]) && !set_count(&load, argv[i], argv[i + 1]) &&
            !set_real(&load, argv[i], argv[i + 1]))
            usage();
    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (strcmp(modes[i].name, argv[1]) == 0)
            return modes[i].run(&load) ? 0 : 1;
    usage();
}

#include "ops/bench/usage.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ops/bench/fatal.h"

enum { PROCESSES_MAX = 65536 };

struct process {
    long pid, parent;
    double cpu_s;
    bool is_server;
};

static struct process processes[PROCESSES_MAX];

uint64_t usage_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static bool is_listed(const char *pids, long pid)
{
    while (*pids != '\0') {
        char *end = NULL;
        if (strtol(pids, &end, 10) == pid)
            return true;
        if (end == pids)
            fatal("not a list of processes: %s", pids);
        pids = *end == ',' ? end + 1 : end;
    }
    return false;
}

/* The number in the next field of a line of /proc; the line begins behind it then. */
static unsigned long next_number(const char **line)
{
    char *end = NULL;
    unsigned long number = strtoul(*line, &end, 10);
    *line = end;
    return number;
}

static bool read_line(char *line, int size, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool is_read = fgets(line, size, file) != NULL;
    fclose(file);
    return is_read;
}

static double seconds_of(unsigned long ticks)
{
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

/* proc(5), /proc/pid/stat: pid (name) state ppid, ten more, and then times of itself and of its
 * children that have ended. */
static bool read_process(struct process *process, const char *name)
{
    char path[64];
    char line[1024];
    unsigned long ticks = 0;
    snprintf(path, sizeof path, "/proc/%.16s/stat", name);
    if (!read_line(line, sizeof line, path))
        return false;
    const char *at = strrchr(line, ')');
    if (at == NULL || strlen(at) < 4)
        return false;
    at += 3;
    process->pid = strtol(name, NULL, 10);
    process->parent = (long)next_number(&at);
    for (int skipped = 0; skipped < 9; skipped++)
        next_number(&at);
    for (int field = 0; field < 4; field++)
        ticks += next_number(&at);
    process->cpu_s = seconds_of(ticks);
    return true;
}

/* Marks the children of what is marked; true when there were some. */
static bool mark_children(size_t count)
{
    bool found = false;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count && !processes[i].is_server; k++)
            if (processes[k].is_server && processes[k].pid == processes[i].parent)
                processes[i].is_server = found = true;
    return found;
}

/* Reads all processes and marks the server's; how many there are. */
static size_t read_processes(const char *pids)
{
    size_t count = 0;
    DIR *folder = opendir("/proc");
    if (folder == NULL)
        fatal("no /proc");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && count < PROCESSES_MAX;)
        if (isdigit((unsigned char)entry->d_name[0]) &&
            read_process(&processes[count], entry->d_name)) {
            processes[count].is_server = is_listed(pids, processes[count].pid);
            count++;
        }
    closedir(folder);
    while (mark_children(count))
        ;
    return count;
}

static double server_s(const char *pids)
{
    double sum = 0;
    size_t count = pids != NULL ? read_processes(pids) : 0;
    for (size_t i = 0; i < count; i++)
        if (processes[i].is_server)
            sum += processes[i].cpu_s;
    return sum;
}

/* proc(5), /proc/stat: user nice system idle iowait irq softirq. */
static double machine_s(void)
{
    char line[1024];
    unsigned long ticks = 0;
    if (!read_line(line, sizeof line, "/proc/stat") || strncmp(line, "cpu ", 4) != 0)
        fatal("cannot read /proc/stat");
    const char *at = line + 4;
    for (int field = 0; field < 7; field++) {
        unsigned long value = next_number(&at);
        ticks += field == 3 || field == 4 ? 0 : value;
    }
    return seconds_of(ticks);
}

struct usage usage_take(const char *pids)
{
    struct rusage own;
    getrusage(RUSAGE_SELF, &own);
    return (struct usage){
        .at_ns = usage_now_ns(),
        .client_s = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
                    (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6,
        .server_s = server_s(pids),
        .machine_s = machine_s(),
    };
}

static uint64_t memory_of(long pid)
{
    char path[64];
    char line[256];
    unsigned long kb = 0;
    snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "Pss:", 4) == 0)
            kb = strtoul(line + 4, NULL, 10);
    fclose(file);
    return (uint64_t)kb * 1024;
}

uint64_t usage_memory_bytes(const char *pids)
{
    uint64_t sum = 0;
    size_t count = pids != NULL ? read_processes(pids) : 0;
    for (size_t i = 0; i < count; i++)
        if (processes[i].is_server)
            sum += memory_of(processes[i].pid);
    return sum;
}

void usage_print(const struct usage *before, const struct usage *after, uint64_t count)
{
    double wall_s = (double)(after->at_ns - before->at_ns) / 1e9;
    double client_s = after->client_s - before->client_s;
    double served_s = after->server_s - before->server_s;
    double foreign_s = after->machine_s - before->machine_s - client_s - served_s;
    printf("wall_s %.3f\nclient_cores %.2f\nforeign_cores %.2f\n", wall_s, client_s / wall_s,
           foreign_s / wall_s);
    if (count > 0 && after->server_s > 0)
        printf("server_us %.2f\n", served_s * 1e6 / (double)count);
}

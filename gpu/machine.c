#include "gpu/machine.h"

#include <sched.h>
#include <stdio.h>

#include "shared/number.h"

static uint32_t count_cores(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 0;
}

/* The first number in a line; false when there is none. */
static bool find_number(uint64_t *number, const char *line)
{
    size_t before = strcspn(line, "0123456789");
    struct span digits = {line + before, strspn(line + before, "0123456789")};
    int64_t value;
    if (digits.len == 0 || !number_decimal(&value, digits))
        return false;
    *number = (uint64_t)value;
    return true;
}

/* The number of a line "name: 1234 kB", in bytes. */
static void read_line(const char *line, const char *name, uint64_t *bytes)
{
    uint64_t kilobytes;
    size_t len = strlen(name);
    if (strncmp(line, name, len) == 0 && line[len] == ':' && find_number(&kilobytes, line + len))
        *bytes = kilobytes * 1024;
}

static uint64_t read_number(const char *path)
{
    char line[64];
    uint64_t number = UINT64_MAX; /* also when it says "max" */
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return number;
    if (fgets(line, sizeof line, file) == NULL || !find_number(&number, line))
        number = UINT64_MAX;
    fclose(file);
    return number;
}

struct machine machine_read(void)
{
    struct machine machine = {.cores = count_cores()};
    char line[160];
    FILE *file = fopen("/proc/meminfo", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        read_line(line, "MemTotal", &machine.memory);
        read_line(line, "MemAvailable", &machine.memory_available);
    }
    if (file != NULL)
        fclose(file);
    uint64_t limit = read_number("/sys/fs/cgroup/memory.max");
    uint64_t used = read_number("/sys/fs/cgroup/memory.current");
    if (limit < machine.memory) {
        uint64_t left = used < limit ? limit - used : 0;
        machine.memory = limit;
        if (left < machine.memory_available)
            machine.memory_available = left;
    }
    return machine;
}

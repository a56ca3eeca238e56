#include "relay/talkers.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "relay/metrics.h"

enum { WORDS = (sizeof(struct talker) * TALKERS_MAX + 7) / 8, TRIES_MAX = 100 };

/* What is written is good while the number, even, stays the same. */
struct slot {
    _Atomic uint64_t number;
    _Atomic uint64_t count;
    _Atomic uint64_t words[WORDS];
};

static struct slot private_slot;
static struct slot *slots = &private_slot;
static uint32_t slot_count = 1;
static struct slot *own = &private_slot;

void talkers_open(void)
{
    void *map = mmap(NULL, sizeof(struct slot) * METRICS_PROCESSES_MAX, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        abort();
    slots = own = map;
    slot_count = METRICS_PROCESSES_MAX;
}

void talkers_use(uint32_t process)
{
    assert(process < slot_count);
    own = &slots[process];
    atomic_store(&own->number, 0); /* the one before may have ended within a write */
    talkers_write(NULL, 0);
}

void talkers_write(const struct talker *talkers, uint32_t count)
{
    uint64_t words[WORDS] = {0};
    assert(count <= TALKERS_MAX);
    if (count > 0)
        memcpy(words, talkers, count * sizeof *talkers);
    atomic_fetch_add(&own->number, 1);
    atomic_store(&own->count, count);
    for (size_t i = 0; i < WORDS; i++)
        atomic_store(&own->words[i], words[i]);
    atomic_fetch_add(&own->number, 1);
}

static bool read_slot(const struct slot *slot, struct talker out[TALKERS_MAX], uint32_t *count)
{
    uint64_t words[WORDS];
    for (int i = 0; i < TRIES_MAX; i++) {
        uint64_t number = atomic_load(&slot->number);
        *count = (uint32_t)atomic_load(&slot->count);
        for (size_t j = 0; j < WORDS; j++)
            words[j] = atomic_load(&slot->words[j]);
        if (number % 2 == 0 && atomic_load(&slot->number) == number) {
            memcpy(out, words, sizeof(struct talker) * TALKERS_MAX);
            return true;
        }
    }
    return false;
}

static void add(struct talker *all, uint32_t *count, const struct talker *talker)
{
    for (uint32_t i = 0; i < *count; i++)
        if (all[i].ip_len == talker->ip_len && memcmp(all[i].ip, talker->ip, talker->ip_len) == 0) {
            all[i].connections += talker->connections;
            all[i].events_per_s += talker->events_per_s;
            all[i].reqs_per_s += talker->reqs_per_s;
            return;
        }
    if (*count < TALKERS_ALL_MAX)
        all[(*count)++] = *talker;
}

int talkers_compare(const void *a, const void *b)
{
    const struct talker *left = a;
    const struct talker *right = b;
    float left_rate = left->events_per_s + left->reqs_per_s;
    float right_rate = right->events_per_s + right->reqs_per_s;
    if (left_rate != right_rate)
        return left_rate > right_rate ? -1 : 1;
    if (left->connections != right->connections)
        return left->connections > right->connections ? -1 : 1;
    return memcmp(left->ip, right->ip, sizeof left->ip);
}

uint32_t talkers_read(struct talker out[TALKERS_ALL_MAX])
{
    struct talker read[TALKERS_MAX];
    uint32_t total = 0, count;
    for (uint32_t i = 0; i < slot_count; i++)
        if (read_slot(&slots[i], read, &count))
            for (uint32_t j = 0; j < count && j < TALKERS_MAX; j++)
                add(out, &total, &read[j]);
    qsort(out, total, sizeof *out, talkers_compare);
    return total;
}

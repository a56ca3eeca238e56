#include "relay/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "shared/text.h"

enum { BOUNDS_MAX = 16, REFUSALS = ERR_INTERNAL + 1 };

/* Upper bounds of the buckets; the one without bound is left out. */
struct buckets {
    uint32_t count;
    double bounds[BOUNDS_MAX];
};

static const struct buckets seconds_buckets = {
    14, {.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}};
static const struct buckets events_buckets = {11, {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000}};

static const struct buckets *const buckets_of[METRIC_HISTOGRAM_COUNT] = {
    [METRIC_ACK_SECONDS] = &seconds_buckets,
    [METRIC_REQ_SECONDS] = &seconds_buckets,
    [METRIC_BATCH_EVENTS] = &events_buckets,
    [METRIC_FANOUT_SECONDS] = &seconds_buckets,
};

struct histogram {
    _Atomic uint64_t counts[BOUNDS_MAX + 1]; /* not cumulative; the last is beyond all bounds */
    _Atomic uint64_t sum_bits;               /* a double: atomics of doubles need a library */
};

/* A slot has one writer, so a load and a store make an addition; that they are atomic lets any
 * process read them. */
struct slot {
    _Atomic uint64_t counters[METRIC_COUNTER_COUNT];
    _Atomic int64_t gauges[METRIC_GAUGE_COUNT];
    _Atomic uint64_t refusals[REFUSALS];
    struct histogram histograms[METRIC_HISTOGRAM_COUNT];
};

static struct slot private_slot;
static struct slot *slots = &private_slot;
static uint32_t slot_count = 1;
static struct slot *own = &private_slot;

void metrics_open(void)
{
    void *map = mmap(NULL, sizeof(struct slot) * METRICS_PROCESSES_MAX, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        abort();
    slots = map;
    slot_count = METRICS_PROCESSES_MAX;
    own = &slots[0];
}

void metrics_use(uint32_t process)
{
    assert(process < slot_count);
    own = &slots[process];
    for (size_t i = 0; i < METRIC_GAUGE_COUNT; i++)
        atomic_store_explicit(&own->gauges[i], 0, memory_order_relaxed);
}

static void add(_Atomic uint64_t *count, uint64_t more)
{
    uint64_t now = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, now + more, memory_order_relaxed);
}

void metrics_add(enum metric_counter counter, uint64_t count)
{
    add(&own->counters[counter], count);
}

void metrics_set(enum metric_gauge gauge, int64_t value)
{
    atomic_store_explicit(&own->gauges[gauge], value, memory_order_relaxed);
}

void metrics_move(enum metric_gauge gauge, int64_t difference)
{
    int64_t now = atomic_load_explicit(&own->gauges[gauge], memory_order_relaxed);
    atomic_store_explicit(&own->gauges[gauge], now + difference, memory_order_relaxed);
}

static double to_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void metrics_observe(enum metric_histogram histogram, double value)
{
    const struct buckets *buckets = buckets_of[histogram];
    struct histogram *own_histogram = &own->histograms[histogram];
    uint32_t i = 0;
    while (i < buckets->count && value > buckets->bounds[i])
        i++;
    add(&own_histogram->counts[i], 1);

    double sum = to_double(atomic_load_explicit(&own_histogram->sum_bits, memory_order_relaxed));
    atomic_store_explicit(&own_histogram->sum_bits, to_bits(sum + value), memory_order_relaxed);
}

void metrics_refused(enum err_code code)
{
    add(&own->refusals[code], 1);
}

uint64_t metrics_total(enum metric_counter counter)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < slot_count; i++)
        total += atomic_load_explicit(&slots[i].counters[counter], memory_order_relaxed);
    return total;
}

static void write_head(struct text *out, const char *label, const char *type, const char *help)
{
    text_addf(out, "# HELP shoal_relay_%s %s\n# TYPE shoal_relay_%s %s\n", label, help, label,
              type);
}

static void write_counter(struct text *out, enum metric_counter counter, const char *label,
                          const char *help)
{
    write_head(out, label, "counter", help);
    text_addf(out, "shoal_relay_%s %" PRIu64 "\n", label, metrics_total(counter));
}

static void write_gauge(struct text *out, enum metric_gauge gauge, const char *label,
                        const char *help)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < slot_count; i++)
        total += atomic_load_explicit(&slots[i].gauges[gauge], memory_order_relaxed);
    write_head(out, label, "gauge", help);
    text_addf(out, "shoal_relay_%s %" PRId64 "\n", label, total);
}

static void write_histogram(struct text *out, enum metric_histogram histogram, const char *label,
                            const char *help)
{
    const struct buckets *buckets = buckets_of[histogram];
    uint64_t count = 0; /* of this bucket and all below: the format is cumulative */
    double sum = 0;

    write_head(out, label, "histogram", help);
    for (uint32_t b = 0; b <= buckets->count; b++) {
        for (uint32_t i = 0; i < slot_count; i++)
            count += atomic_load_explicit(&slots[i].histograms[histogram].counts[b],
                                          memory_order_relaxed);
        if (b < buckets->count)
            text_addf(out, "shoal_relay_%s_bucket{le=\"%g\"} %" PRIu64 "\n", label,
                      buckets->bounds[b], count);
    }
    for (uint32_t i = 0; i < slot_count; i++)
        sum += to_double(
            atomic_load_explicit(&slots[i].histograms[histogram].sum_bits, memory_order_relaxed));
    text_addf(out, "shoal_relay_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", label, count);
    text_addf(out, "shoal_relay_%s_sum %.9g\nshoal_relay_%s_count %" PRIu64 "\n", label, sum, label,
              count);
}

static void write_refusals(struct text *out)
{
    write_head(out, "refusals_total", "counter", "refusals in OK, CLOSED and NOTICE, by prefix");
    for (int code = 0; code < REFUSALS; code++) {
        uint64_t total = 0;
        for (uint32_t i = 0; i < slot_count; i++)
            total += atomic_load_explicit(&slots[i].refusals[code], memory_order_relaxed);
        text_addf(out, "shoal_relay_refusals_total{code=\"%s\"} %" PRIu64 "\n",
                  err_prefix((enum err_code)code), total);
    }
}

void metrics_write(struct text *out)
{
    write_head(out, "build_info", "gauge", "which version runs");
    text_addf(out, "shoal_relay_build_info{version=\"" SHOAL_VERSION "\"} 1\n");
#define METRICS_WRITE(name, label, help) write_counter(out, METRIC_##name, label, help);
    METRICS_COUNTERS(METRICS_WRITE)
#undef METRICS_WRITE
    write_refusals(out);
#define METRICS_WRITE(name, label, help) write_gauge(out, METRIC_##name, label, help);
    METRICS_GAUGES(METRICS_WRITE)
#undef METRICS_WRITE
#define METRICS_WRITE(name, label, help) write_histogram(out, METRIC_##name, label, help);
    METRICS_HISTOGRAMS(METRICS_WRITE)
#undef METRICS_WRITE
}

#include "ops/bench/histogram.h"

/* The first 32 values have a bucket each; from there on each doubling has 32. */
static uint64_t bucket_of(uint64_t value)
{
    if (value < 32)
        return value;
    unsigned exponent = 63U - (unsigned)__builtin_clzll(value);
    return (uint64_t)(exponent - 4) * 32 + ((value >> (exponent - 5)) & 31);
}

static double middle_of(uint64_t bucket)
{
    if (bucket < 32)
        return (double)bucket;
    return (32.5 + (double)(bucket & 31)) * (double)(UINT64_C(1) << (bucket / 32 - 1));
}

void histogram_add(struct histogram *histogram, uint64_t value_ns)
{
    histogram->buckets[bucket_of(value_ns)]++;
    histogram->count++;
    histogram->sum_ns += value_ns;
    if (value_ns > histogram->max_ns)
        histogram->max_ns = value_ns;
}

double histogram_us(const struct histogram *histogram, double quantile)
{
    uint64_t wanted = (uint64_t)(quantile * (double)histogram->count);
    uint64_t seen = 0;
    for (uint64_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted)
            return middle_of(i) / 1e3;
    }
    return (double)histogram->max_ns / 1e3;
}

#include "relay/address.h"

#include <stdlib.h>

#include "relay/hash.h"
#include "relay/list.h"
#include "relay/table.h"
#include "relay/talkers.h"
#include "shared/err.h"

enum { IP4_LEN = 4, IP6_LEN = 16, IP6_NETWORK_LEN = 8, SWEEP_STEPS = 2 };

/* Tokens in thousandths, so that a millisecond at any rate adds a whole number. */
struct bucket {
    int64_t milli;
    int64_t at_ms;
};

struct address {
    struct address_table *table;
    uint64_t hash;
    struct address *next;  /* of the same hash */
    struct list_node idle; /* no connections, buckets not full */
    uint8_t len;
    uint8_t ip[IP4_LEN > IP6_NETWORK_LEN ? IP4_LEN : IP6_NETWORK_LEN];
    int64_t connections;
    struct bucket events, reqs;
    uint32_t event_count, req_count; /* since they were measured */
    float events_per_s, reqs_per_s;
};

struct address_table {
    struct address_limits limits;
    struct hash_key key;
    struct table table; /* hash -> list */
    struct list idle;
    int64_t measured_ms;
};

struct address_table *address_table_new(const struct address_limits *limits)
{
    struct address_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        abort();
    table->limits = *limits;
    table->key = hash_key_random();
    return table;
}

void address_table_free(struct address_table *table)
{
    size_t place = 0;
    for (struct address *address; (address = table_next(&table->table, &place)) != NULL;)
        while (address != NULL) {
            struct address *next = address->next;
            free(address);
            address = next;
        }
    table_clear(&table->table);
    free(table);
}

static void refill(struct bucket *bucket, int64_t rate, int64_t burst, int64_t now_ms)
{
    int64_t added, full = burst * 1000;
    if (now_ms <= bucket->at_ms)
        return;
    if (__builtin_mul_overflow(rate, now_ms - bucket->at_ms, &added) ||
        added >= full - bucket->milli)
        bucket->milli = full;
    else
        bucket->milli += added;
    bucket->at_ms = now_ms;
}

static bool is_full(struct address *address, int64_t now_ms)
{
    const struct address_limits *limits = &address->table->limits;
    refill(&address->events, limits->events_per_s_max, limits->event_burst_max, now_ms);
    refill(&address->reqs, limits->reqs_per_s_max, limits->req_burst_max, now_ms);
    return (limits->events_per_s_max == 0 ||
            address->events.milli == limits->event_burst_max * 1000) &&
           (limits->reqs_per_s_max == 0 || address->reqs.milli == limits->req_burst_max * 1000);
}

static void forget(struct address *address)
{
    struct address_table *table = address->table;
    struct address *first = table_remove(&table->table, address->hash);
    struct address *rest = first == address ? address->next : first;
    for (struct address *other = first; other != address; other = other->next)
        if (other->next == address) {
            other->next = address->next;
            break;
        }
    if (rest != NULL)
        table_put(&table->table, address->hash, rest);
    free(address);
}

/* Each call looks at more idle addresses than it can add: they cannot pile up for long. */
static void sweep(struct address_table *table, int64_t now_ms)
{
    for (int i = 0; i < SWEEP_STEPS; i++) {
        struct address *address = list_first(&table->idle);
        if (address == NULL)
            return;
        list_remove(&table->idle, &address->idle);
        if (is_full(address, now_ms))
            forget(address);
        else
            list_append(&table->idle, &address->idle, address);
    }
}

static struct address *find_or_add(struct address_table *table, struct span ip, int64_t now_ms)
{
    struct span network = {ip.at, ip.len == IP6_LEN ? IP6_NETWORK_LEN : ip.len};
    uint64_t hash = hash_bytes(&table->key, network);
    struct address *first = table_get(&table->table, hash);
    for (struct address *address = first; address != NULL; address = address->next)
        if (span_eq(network, (struct span){(const char *)address->ip, address->len}))
            return address;

    struct address *address = calloc(1, sizeof *address);
    if (address == NULL)
        abort();
    address->table = table;
    address->hash = hash;
    address->next = first;
    address->len = (uint8_t)network.len;
    memcpy(address->ip, network.at, network.len);
    address->events = (struct bucket){table->limits.event_burst_max * 1000, now_ms};
    address->reqs = (struct bucket){table->limits.req_burst_max * 1000, now_ms};
    table_put(&table->table, hash, address);
    return address;
}

struct address *address_open(struct address_table *table, struct span ip, int64_t now_ms,
                             struct err *err)
{
    sweep(table, now_ms);
    struct address *address = find_or_add(table, ip, now_ms);
    int64_t connections_max = table->limits.connections_max;
    if (connections_max > 0 && address->connections >= connections_max) {
        err_fill(err, ERR_RATE_LIMITED, "more than %lld connections from one address",
                 (long long)connections_max);
        return NULL;
    }
    list_remove(&table->idle, &address->idle);
    address->connections++;
    return address;
}

void address_close(struct address *address, int64_t now_ms)
{
    struct address_table *table = address->table;
    if (--address->connections == 0) {
        if (is_full(address, now_ms))
            forget(address);
        else
            list_append(&table->idle, &address->idle, address);
    }
    sweep(table, now_ms);
}

struct span address_ip(const struct address *address)
{
    return (struct span){(const char *)address->ip, address->len};
}

static bool take(struct bucket *bucket, int64_t rate, int64_t burst, int64_t now_ms)
{
    if (rate == 0)
        return true;
    refill(bucket, rate, burst, now_ms);
    if (bucket->milli < 1000)
        return false;
    bucket->milli -= 1000;
    return true;
}

/* A rate follows what was counted, in some seconds. */
static void measure(float *rate, uint32_t *count, float seconds)
{
    const float share = 0.3F;
    *rate += share * ((float)*count / seconds - *rate);
    *count = 0;
}

static struct talker talker_of(const struct address *address)
{
    struct talker talker = {.ip_len = address->len,
                            .connections = (uint32_t)address->connections,
                            .events_per_s = address->events_per_s,
                            .reqs_per_s = address->reqs_per_s};
    memcpy(talker.ip, address->ip, address->len);
    return talker;
}

/* Keeps out sorted, the busiest first. */
static uint32_t insert(struct talker *out, uint32_t count, uint32_t max,
                       const struct talker *talker)
{
    if (count == max && talkers_compare(&out[max - 1], talker) <= 0)
        return count;
    uint32_t place = count < max ? count : max - 1;
    for (; place > 0 && talkers_compare(&out[place - 1], talker) > 0; place--)
        out[place] = out[place - 1];
    out[place] = *talker;
    return count < max ? count + 1 : max;
}

uint32_t address_busiest(struct address_table *table, struct talker *out, uint32_t max,
                         int64_t now_ms)
{
    float seconds = (float)(now_ms - table->measured_ms) / 1000;
    size_t place = 0;
    uint32_t count = 0;
    if (seconds <= 0)
        seconds = 1;
    table->measured_ms = now_ms;
    for (struct address *address; (address = table_next(&table->table, &place)) != NULL;)
        for (; address != NULL; address = address->next) {
            measure(&address->events_per_s, &address->event_count, seconds);
            measure(&address->reqs_per_s, &address->req_count, seconds);
            struct talker talker = talker_of(address);
            count = insert(out, count, max, &talker);
        }
    return count;
}

bool address_may_publish(struct address *address, int64_t now_ms, struct err *err)
{
    address->event_count++;
    const struct address_limits *limits = &address->table->limits;
    if (!take(&address->events, limits->events_per_s_max, limits->event_burst_max, now_ms))
        return err_set(err, ERR_RATE_LIMITED, "more than %lld events a second from one address",
                       (long long)limits->events_per_s_max);
    return true;
}

bool address_may_query(struct address *address, int64_t now_ms, struct err *err)
{
    address->req_count++;
    const struct address_limits *limits = &address->table->limits;
    if (!take(&address->reqs, limits->reqs_per_s_max, limits->req_burst_max, now_ms))
        return err_set(err, ERR_RATE_LIMITED, "more than %lld queries a second from one address",
                       (long long)limits->reqs_per_s_max);
    return true;
}

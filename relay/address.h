/* address.h - one peer address: how many connections it has, how fast it may go.
 *
 * Connections from one IPv4 address, or one IPv6 /64, share a count and two token buckets. An
 * address is kept while it has connections or its buckets are not yet full again.
 *
 *   units      now_ms: milliseconds of a monotonic clock, passed in
 *   ownership  the table owns all; address_close gives one back
 *   threads    loop thread only
 *   errors     ERR_RATE_LIMITED
 */
#pragma once

#include "shared/base.h"

struct address;
struct address_table;
struct err;
struct talker;

struct address_limits {
    int64_t connections_max;
    int64_t events_per_s_max, event_burst_max; /* a rate of 0: no limit */
    int64_t reqs_per_s_max, req_burst_max;
};

struct address_table *address_table_new(const struct address_limits *limits);
void address_table_free(struct address_table *table);

/* ip: 4 or 16 bytes. NULL when the address has all the connections it may have. */
struct address *address_open(struct address_table *table, struct span ip, int64_t now_ms,
                             struct err *err);
void address_close(struct address *address, int64_t now_ms);

/* Its 4 bytes, or the 8 of its IPv6 network. */
struct span address_ip(const struct address *address);

/* The busiest addresses, measured since the call before; returns how many. Looks at all. */
uint32_t address_busiest(struct address_table *table, struct talker *out, uint32_t max,
                         int64_t now_ms);

/* Take one token; false when there is none. */
MUST_CHECK bool address_may_publish(struct address *address, int64_t now_ms, struct err *err);
MUST_CHECK bool address_may_query(struct address *address, int64_t now_ms, struct err *err);

/* An IP as text ("192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"): its 4 or 16 bytes, or false. */
MUST_CHECK bool address_parse(uint8_t ip[16], size_t *len, struct span text);

/* Networks as text ("10.0.0.0/8 ::1"), separated by spaces or commas. */
struct address_networks;
struct address_networks *address_networks_new(const char *text, struct err *err);
void address_networks_free(struct address_networks *networks);
bool address_networks_have(const struct address_networks *networks, struct span ip);

/* The client behind trusted proxies: peer unless it is trusted; then the last address in
 * X-Forwarded-For, from the right, that is not trusted; the leftmost when all are. What cannot be
 * parsed ends the walk at the last good address. */
void address_behind(uint8_t ip[16], size_t *len, const struct address_networks *trusted,
                    struct span peer, struct span forwarded_for);

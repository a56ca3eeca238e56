/* publisher.h - publishes the events of a corpus over a crowd and counts the answers.
 *
 * With a window, each connection has so many events in flight. With a rate, events are sent when
 * they are due, and latency counts from then, sent late or not.
 *
 *   ownership  borrows crowd and corpus
 */
#pragma once

#include "ops/bench/corpus.h"
#include "ops/bench/crowd.h"
#include "ops/bench/histogram.h"

struct publisher {
    struct crowd *crowd;
    const struct corpus *corpus;
    uint32_t first, connections; /* of the crowd: those that publish */
    uint32_t window;
    double per_s;
    uint64_t *sent_ns; /* by event; 0: not yet */
    uint64_t start_ns;
    size_t next, answered, accepted, refused, duplicates;
    struct histogram acks;
};

void publisher_open(struct publisher *publisher, struct crowd *crowd, const struct corpus *corpus);
void publisher_clear(struct publisher *publisher);

void publisher_start(struct publisher *publisher);
bool publisher_is_done(const struct publisher *publisher);

/* Of a crowd_task. */
uint64_t publisher_work(struct publisher *publisher);

/* An OK: message without its first string. */
void publisher_take(struct publisher *publisher, struct member *member, struct span message,
                    uint64_t now_ns);

/* When the event of that id was sent; 0 when it was not. */
uint64_t publisher_sent_ns(const struct publisher *publisher, struct span id);

/* accepted, refused, duplicates, unanswered, ack_p50_us, ack_p99_us. */
void publisher_print(const struct publisher *publisher);

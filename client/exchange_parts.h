/* exchange_parts.h - what the files of exchange share.
 *
 *   ownership, threads  exchange.h's
 */
#pragma once

#include <uv.h>

#include "client/exchange.h"
#include "client/link.h"
#include "client/outbox.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum exchange_stage {
    EXCHANGE_PUSHING,   /* what is queued */
    EXCHANGE_COMPARING, /* the filter at filters_done */
    EXCHANGE_SENDING,   /* what it lacks of that */
    EXCHANGE_OVER,
};

struct exchange {
    struct exchange_setup setup;
    struct link *link;
    bool was_open, is_freed;
    enum exchange_stage stage;
    struct exchange_counts counts;
    char why[200]; /* "": well */

    struct arena rows_arena;
    struct outbox_rows rows; /* under way */
    size_t rows_settled;

    struct sync *sync;
    struct text key; /* the filter, which cursors go by */
    struct negentropy_record *records;
    size_t record_count, record_capacity;
    struct bytes32 *lacking; /* there */
    size_t lacking_count, lacking_capacity, lacking_next;
};

/* Goes on with whatever is next. */
void exchange_go_on(struct exchange *exchange);

void exchange_fail(struct exchange *exchange, const char *why);
void exchange_fail_with(struct exchange *exchange, const struct err *err); /* of the store */

/* Each is told when it begins, and sets the stage when it has ended. */
void exchange_push(struct exchange *exchange);
void exchange_compare(struct exchange *exchange);
void exchange_send(struct exchange *exchange);

void exchange_settled(struct exchange *exchange, const struct bytes32 *id, enum link_fate fate,
                      struct span why);

/* row.h - an event as it comes from the database: one row of ROW_COLUMNS, binary.
 *
 *   ownership  spans point into the result, tags lie in the arena: both must outlive the event
 */
#pragma once

#include <libpq-fe.h>

#include "shared/base.h"

struct arena;
struct event;

/* Of a table or subquery called e, in this order. Brief: without signature and content. */
#define ROW_COLUMNS "e.id, e.pubkey, e.created_at, e.kind, e.tags, e.sig, e.content"
#define ROW_COLUMNS_BRIEF "e.id, e.pubkey, e.created_at, e.kind, e.tags, ''::bytea, ''::text"

enum { ROW_COLUMN_COUNT = 7 };

int64_t row_int8(const PGresult *result, int row, int column);
int32_t row_int4(const PGresult *result, int row, int column);

/* False when the row is no event: somebody wrote into the tables, and the log says so. */
MUST_CHECK bool row_event(struct event *event, struct arena *arena, const PGresult *result,
                          int row);

/* With all that it points to, into the arena. */
void row_copy_event(struct event *to, struct arena *arena, const struct event *from);

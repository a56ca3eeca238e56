/* control_sql.h - the statements by which the operators' decisions are kept, each prepared by name.
 */
#pragma once

#include <libpq-fe.h>

#include "shared/base.h"

/* list, item, allowed, note, admin, at */
#define CONTROL_SQL_ALL "control_all"
#define CONTROL_SQL_ONE "control_one" /* $1 list, $2 item */

/* $1 list, $2 item, $3 allowed (0 or 1), $4 note, $5 admin, $6 at, $7 channel: told to all. */
#define CONTROL_SQL_PUT "control_put"

/* $1 list, $2 item, $3 allowed (0 or 1): another verdict stays; $4 channel. */
#define CONTROL_SQL_DROP "control_drop"

/* $1 id, $2 pubkey or NULL, $3 expires, $4 now: a row when it was not there. */
#define CONTROL_SQL_TICKET "control_ticket"

/* $1 id, $2 now: the pubkey. */
#define CONTROL_SQL_HOLDER "control_holder"

/* $1 id */
#define CONTROL_SQL_LEAVE "control_leave"

/* What is stored lately on this shard, and how its database is: JSON. */
#define CONTROL_SQL_STATS "control_stats"

/* $1 an array of such, in the order of the shards; of one that does not say: only "database". The
 * same of all of them, with "databases" for "database". */
#define CONTROL_SQL_STATS_SUM "control_stats_sum"

/* For db_setup.prepare; context is a struct shard. Listens on the channel, too. */
MUST_CHECK bool control_sql_prepare(PGconn *conn, const void *context);

/* The same for a connection that is only asked for CONTROL_SQL_STATS. */
MUST_CHECK bool control_sql_prepare_stats(PGconn *conn, const void *context);

enum { CONTROL_CHANNEL_CHARS_MAX = 63 };

struct shard;
void control_sql_channel(char out[CONTROL_CHANNEL_CHARS_MAX + 1], const struct shard *shard);

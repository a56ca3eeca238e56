/* indexer_sql.h - the statements of the indexer. Part of indexer.
 */
#pragma once

#include <libpq-fe.h>

#include "shared/base.h"

enum { INDEXER_ROWS_MAX = 500, INDEXER_SWEEP_ROWS_MAX = 2000 };

#define INDEXER_ELECT "elect" /* whether this connection is the one that indexes */
#define INDEXER_PLACE "place" /* how far that is done, and the number of the oldest transaction */
#define INDEXER_WALK "walk"
#define INDEXER_FOLLOW "follow"
#define INDEXER_STORE "store"
#define INDEXER_SAVE "save"
#define INDEXER_SWEEP "sweep"

/* Behind the columns of row.h, in the answers to walk and follow. Content of kinds that are not
 * indexed is empty. A last row without id has the number of the oldest transaction that may still
 * commit, in place of created_at. */
enum { INDEXER_CREATED_AT = 2, INDEXER_TIE = 7, INDEXER_XID = 8, INDEXER_IS_INDEXED = 9 };

/* For db_setup.prepare; context is a struct shard. */
MUST_CHECK bool indexer_sql_prepare(PGconn *conn, const void *context);

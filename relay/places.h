/* places.h - how far something has come, by name, kept in the database.
 *
 *   units      a place is a number; the router's are unix seconds
 *   ownership  names are copied
 *   threads    loop thread only
 *   errors     none: what could not be written is written again with the next change, or after a
 *              reconnect; a place is a lower bound
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct places;
struct shard;

enum { PLACES_NAME_MAX = 127 };

/* shard is kept, not copied. */
struct places *places_new(uv_loop_t *loop, const struct shard *shard);

/* What is still to be written is lost. Memory goes when the last handle has closed. */
void places_free(struct places *places);

/* Whether they have been read. */
bool places_are_loaded(const struct places *places);

/* Whether nothing is still to be written. */
bool places_are_written(const struct places *places);

/* -1 when there is none of that name. */
int64_t places_get(const struct places *places, const char *name);
void places_set(struct places *places, const char *name, int64_t at);

/* param.h - the parameters of one statement, in PostgreSQL's binary format.
 *
 * Parameters are made in order: $1, $2, ... An array is begun, given its items, and may be added to
 * while later parameters are made: param_add(list, place_returned_by_begin, ...).
 *
 *   ownership  owns its bytes; struct param_list p = {0} is empty, param_clear frees
 */
#pragma once

#include "shared/base.h"
#include "shared/text.h"

struct db_call;

enum { PARAM_MAX = 22 };

/* PostgreSQL's numbers of these types. */
enum param_type { PARAM_BYTEA = 17, PARAM_INT8 = 20, PARAM_INT4 = 23, PARAM_TEXT = 25 };

struct param {
    bool is_null, is_array;
    bool has_nulls; /* among the items */
    enum param_type type;
    uint32_t count; /* items */
    struct text bytes;
};

struct param_list {
    int count;
    struct param at[PARAM_MAX];
    const char *values[PARAM_MAX]; /* as libpq takes them, once param_call was called */
    int lengths[PARAM_MAX];
    int formats[PARAM_MAX];
};

void param_clear(struct param_list *list);

void param_null(struct param_list *list);
void param_int8(struct param_list *list, int64_t value);
void param_bytes(struct param_list *list, struct span bytes); /* text or bytea */

/* Begins an array and returns its place. */
int param_begin(struct param_list *list, enum param_type item_type);
void param_add_null(struct param_list *list, int place);
void param_add_int8(struct param_list *list, int place, int64_t value);
void param_add_int4(struct param_list *list, int place, int32_t value);
void param_add_bytes(struct param_list *list, int place, struct span bytes);

/* A whole array. */
void param_int8s(struct param_list *list, const int64_t *items, uint32_t count);

/* Sets values, lengths, formats and count of call, which point into list. */
void param_call(struct param_list *list, struct db_call *call);

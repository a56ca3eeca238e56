/* records.h - which events match a filter: time and id of each, gathered from the store's pages.
 *
 *   units      records
 *   ownership  records_clear frees; the filter is borrowed until then
 *   threads    one at a time
 *   errors     ERR_BLOCKED: more than one may gather; ERR_RATE_LIMITED: than all may together
 */
#pragma once

#include "relay/page.h"
#include "shared/base.h"

struct err;
struct filter;
struct negentropy_record;
struct session;

/* What all who gather have in common. */
struct records_budget {
    int64_t each_max, all_max;
    int64_t all; /* there is room for */
};

struct records {
    struct records_budget *budget;
    const struct filter *filter;
    struct negentropy_record *at; /* newest first; negentropy_seal is next */
    size_t count, capacity;
    int64_t left; /* of the filter's limit */
    struct store_cursor place;
    bool has_place; /* else from the newest */
    bool is_whole;  /* nothing is left to be read */
};

void records_begin(struct records *records, struct records_budget *budget,
                   const struct filter *filter);
void records_clear(struct records *records);

/* What to read next; not when it is whole. */
struct store_read records_read(const struct records *records, store_page_fn *reply, void *owner);

/* Adds those of the page that session may see; session NULL: all. */
MUST_CHECK bool records_take(struct records *records, const struct store_page *page,
                             const struct session *session, struct err *err);

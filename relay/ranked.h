/* ranked.h - what the searches of one REQ or COUNT find: the best first, one search after another.
 *
 * The filters that search are answered in their order, each with its own ranking, before those that
 * do not; what several find comes once.
 *
 *   ownership  filters are borrowed until ranked_free; the frames of rows are the caller's
 *   threads    loop thread only
 *   spec       NIP-50
 */
#pragma once

#include "relay/merge.h"
#include "shared/base.h"

struct filter;
struct ranked;
struct searches;
struct session;

struct ranked_setup {
    struct searches *search;
    const struct session *session;
    const struct filter *filters;
    uint32_t count;
    int64_t limit_default, limit_max;
    bool is_count; /* as many as can be found, without their JSON */
    /* More can be had, or the search failed. The last thing the call does: ranked may be freed. */
    void (*on_more)(void *owner, bool has_failed);
    void *owner;
};

/* NULL when no filter can find anything by searching. */
struct ranked *ranked_new(const struct ranked_setup *setup);
void ranked_free(struct ranked *ranked);

/* Asks for the first, that ranked_next may have something to give. */
void ranked_start(struct ranked *ranked);

/* What was searched for, then what the merge has besides. ranked NULL: the merge alone.
 * MERGE_NEEDS: on_more comes, or the merge is to be filled. */
enum merge_step ranked_next(struct ranked *ranked, struct merge *merge, struct merge_row *row);

/* Whether everything that matches was. */
bool ranked_is_all(const struct ranked *ranked);

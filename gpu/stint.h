/* stint.h - what a stage of somebody else did of a job: which layers, for how many rows.
 *
 *   units      rows: positions that went through its layers, those that were sent again with them
 *   ownership  a list that is {0} is empty; stint_clear frees it
 *   threads    one at a time
 */
#pragma once

#include "shared/base.h"

enum { STINTS_MAX = 63 }; /* of a job; those that come later are not told */

struct stint {
    struct bytes32 node;  /* whose it was */
    struct bytes32 offer; /* the event by which it was found */
    uint32_t begin, end;  /* layers */
    uint32_t rows;
};

struct stint_list {
    struct stint *at;
    uint32_t count;
};

/* To that of the same node, offer and layers, where there is one. */
void stint_add(struct stint_list *list, const struct stint *stint);
void stint_add_all(struct stint_list *list, const struct stint_list *more);
void stint_clear(struct stint_list *list);

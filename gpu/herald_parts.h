/* herald_parts.h - what herald's files share. Part of herald.
 *
 *   threads  loop thread only
 */
#pragma once

#include "gpu/herald.h"
#include "gpu/mint.h"
#include "gpu/tube.h"

enum herald_kind { HERALD_PROOF, HERALD_MINT_QUOTE, HERALD_MELT_QUOTE };

/* One thing that a socket is told of. */
struct herald_item {
    struct herald_item *next;
    enum herald_kind kind;
    char method[MINT_METHOD_NAME_MAX + 1]; /* of a quote */
    char filter[HERALD_WORD_MAX + 1];
    char subscription[HERALD_WORD_MAX + 1];
    struct text last; /* what was told of it */
    bool is_dirty;    /* to be looked at */
};

/* What a wallet sends: its id is told again as it came. */
struct herald_request {
    struct span id;
    bool subscribes; /* or no more */
    char subscription[HERALD_WORD_MAX + 1];
    struct herald_item *items; /* the caller frees */
    uint32_t count;
};

/* False: why says what is wrong with it. */
MUST_CHECK bool herald_read(struct herald_request *request, struct span text, struct err *err);
void herald_free_items(struct herald_item *items);

/* What the item is now; empty when the mint knows of none. On any thread. */
void herald_look(struct mint *mint, const struct herald_item *item, struct text *out);

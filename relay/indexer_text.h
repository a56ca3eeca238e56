/* indexer_text.h - what of an event is searched for: its title, and the rest. Part of indexer.
 *
 *   ownership  spans lie in the arena or point into the event
 *   threads    pure
 *   spec       NIP-01 kind 0, NIP-23, NIP-24, NIP-32
 */
#pragma once

#include "shared/base.h"

struct arena;
struct event;

enum { INDEXER_CONTENT_CHARS_MAX = 16384, INDEXER_TAGS_BYTES_MAX = 4096 };

/* Valid UTF-8 without NUL. */
struct indexer_text {
    struct span title;    /* names and titles: counts more */
    struct span body;     /* content, summaries, hashtags */
    struct span language; /* two letters, where the author said so; else len 0 */
};

/* The event's content may have been cut after INDEXER_CONTENT_CHARS_MAX characters of its JSON. */
struct indexer_text indexer_text_of(struct arena *arena, const struct event *event);

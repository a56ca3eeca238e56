/* asking.h - the classes of REQ that clients send, with values drawn from a corpus.
 */
#pragma once

#include "shared/base.h"

struct corpus;
struct dice;
struct text;

enum asking {
    ASKING_ID,          /* one event */
    ASKING_AUTHOR_KIND, /* an author's notes, 20 */
    ASKING_P_TAG,       /* what names a person, 50 */
    ASKING_T_KIND,      /* notes on a topic, 50 */
    ASKING_KINDS_SINCE, /* notes and reactions of late, 100 */
    ASKING_FEED,        /* notes and articles of 100 authors, 50 */
    ASKING_MULTI,       /* a profile page: three filters */
    ASKING_CLASSES,
};

extern const char *const asking_names[ASKING_CLASSES];

/* -1: no such class. */
int asking_find(const char *name);

/* Appends the filters, without brackets around them. */
void asking_write(struct text *out, enum asking class, const struct corpus *corpus,
                  struct dice *dice);

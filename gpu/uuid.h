/* uuid.h - ids of quotes: the time they were made, and 74 bits that nobody guesses.
 *
 *   threads  any
 *   spec     RFC 9562, version 7
 */
#pragma once

#include "shared/base.h"

enum { UUID_TEXT_LEN = 36 };

struct uuid {
    uint8_t at[16];
};

struct uuid uuid_new(void);

void uuid_write(char text[UUID_TEXT_LEN + 1], const struct uuid *uuid);

/* False: no UUID in small letters. */
MUST_CHECK bool uuid_read(struct uuid *uuid, struct span text);

/* desk_memory.h - what was answered of late, so that who asks again is told the same. Part of desk.
 *
 *   ownership  desk_memory_new to desk_memory_free; an answer that was found is valid until the
 *              next call
 *   threads    one
 *   bounds     the last DESK_MEMORY_MAX questions, and DESK_MEMORY_BYTES_MAX of their answers
 */
#pragma once

#include "shared/base.h"

struct desk_answer;
struct desk_memory;

enum { DESK_MEMORY_MAX = 512, DESK_MEMORY_BYTES_MAX = 16 << 20 };

struct desk_memory *desk_memory_new(void);
void desk_memory_free(struct desk_memory *memory);

/* Whether that key has asked with that id. answer: NULL while there is none yet. */
bool desk_memory_find(const struct desk_memory *memory, const struct desk_answer **answer,
                      const struct bytes32 *buyer, struct span id);

/* It is being answered: the oldest question is forgotten for it. */
void desk_memory_begin(struct desk_memory *memory, const struct bytes32 *buyer, struct span id);

/* Of one that was begun, unless it has been forgotten since; the answer is copied. */
void desk_memory_keep(struct desk_memory *memory, const struct bytes32 *buyer, struct span id,
                      const struct desk_answer *answer);

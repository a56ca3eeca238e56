/* random_event.h - random JSON, events and filters for the laws of property tests.
 *
 * Values come from a small world, so that filters and events meet.
 */
#pragma once

#include "shared/event.h"
#include "shared/filter.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/random.h"

/* A character that is no surrogate: often a control or one that JSON escapes, else of any size. */
uint32_t random_character(void);

/* character in one of the ways JSON allows. */
void add_random_escape(struct text *out, uint32_t character);

/* A string's body twice: as JSON with random escapes, and decoded. Either may be NULL. */
void add_random_string(struct text *json, struct text *decoded);

void add_random_space(struct text *out);

/* One of sixteen keys. */
struct bytes32 random_key(void);

void add_random_tags(struct text *out);

/* An event's JSON with whitespace and escapes of every kind. */
void add_random_event(struct text *out);

/* A filter's JSON; each condition is there one time in three. */
void add_random_filter(struct text *out);

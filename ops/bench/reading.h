/* reading.h - what a relay says, read no further than the load needs.
 *
 * Strings are taken as they come, escapes and all: ids and subscription names have none.
 */
#pragma once

#include "shared/base.h"

/* The next JSON string in text, without quotes; text begins behind it then. Empty at the end. */
struct span reading_string(struct span *text);

/* The id of the event object in text. */
struct span reading_event_id(struct span text);

/* Whether true comes before the next string: the third item of an OK. */
bool reading_is_true(struct span text);

/* Shows the first few messages that no load expects, on stderr. */
void reading_odd(struct span message);

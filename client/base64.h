/* base64.h - bytes as the content of events.
 *
 *   ownership  what is decoded lives in the arena
 *   spec       RFC 4648, with padding
 */
#pragma once

#include "shared/base.h"

struct arena;
struct text;

void base64_add(struct text *out, struct span bytes);
MUST_CHECK bool base64_decode(struct span *bytes, struct arena *arena, struct span chars);

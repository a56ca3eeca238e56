/* language.h - which of PostgreSQL's text search configurations stems which language.
 *
 *   threads  pure
 */
#pragma once

#include "shared/base.h"

#define LANGUAGE_NONE "simple" /* words as they are */

/* Of two lower-case letters (ISO 639-1); LANGUAGE_NONE when PostgreSQL stems none such. */
const char *language_configuration(const char *code);

bool language_is_configuration(const char *name);

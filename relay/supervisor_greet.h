/* supervisor_greet.h - what stdout gets once the relay serves. Part of supervisor. */
#pragma once

#include "shared/base.h"

struct config;
struct text;

/* Four lines: the port for programs, then addresses and the place of the data for people. A
 * database's password is left out. */
void supervisor_greet(struct text *out, const struct config *config, uint16_t port);

/* command_listen.h - what commands that listen share. Part of command.
 *
 *   threads  any
 */
#pragma once

#include "shared/base.h"

enum { COMMAND_ADDRESS_MAX = 64 };

/* "127.0.0.1:7447", "[::1]:7447", or only a port, of 127.0.0.1. */
bool command_read_listen(char address[COMMAND_ADDRESS_MAX], uint16_t *port, const char *text);

/* config_tls.h - whether the TLS files that the settings name can be used. Part of config.
 *
 * Not asked by those who only read the settings, to manage a relay or to export from it: they need
 * not be allowed to read its key.
 *
 *   errors  ERR_INVALID, naming the setting, the file and the reason
 */
#pragma once

#include "shared/base.h"

struct config;
struct err;

/* Whether they can be read, and belong together; true where none is named. */
MUST_CHECK bool config_check_tls(const struct config *config, struct err *err);

/* transfer.h - import and export: events as JSONL on stdin and stdout.
 *
 *   errors  said on stderr with the line number; the exit status says
 */
#pragma once

#include "shared/base.h"

struct config;

struct transfer_import {
    bool skip_verify;
    int64_t skip_lines; /* resume */
};

struct transfer_export {
    const char *filter; /* JSON; NULL: everything */
    const char *after;  /* resume: "created_at:id" as printed when an export was interrupted */
};

int transfer_import(const struct config *config, const struct transfer_import *options);
int transfer_export(const struct config *config, const struct transfer_export *options);

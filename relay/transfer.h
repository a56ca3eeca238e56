/* transfer.h - import and export, events as JSONL on stdin and stdout; sync, with another relay.
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

/* Neither down nor up: both. */
struct transfer_sync {
    const char *url;    /* of the other relay; NULL: an error */
    const char *filter; /* JSON; NULL: everything */
    bool down, up;      /* fetch what is missing here, send what is missing there */
    bool json;          /* the summary, on stdout */
};

int transfer_import(const struct config *config, const struct transfer_import *options);
int transfer_export(const struct config *config, const struct transfer_export *options);
int transfer_sync(const struct config *config, const struct transfer_sync *options);

/* migration_steps.h - the migrations of sql/node/, built into the program. */
#pragma once

#include "shared/base.h"

struct migration_step {
    int number; /* 1, 2, ... */
    const char *name;
    const char *sql;
};

extern const struct migration_step migration_steps[];
extern const int migration_step_count;

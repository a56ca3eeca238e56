/* schema_steps.h - the migrations of sql/, built into the program. */
#pragma once

#include "shared/base.h"

struct schema_step {
    int number; /* 1, 2, ... */
    const char *name;
    const char *sql;
};

extern const struct schema_step schema_steps[];
extern const int schema_step_count;

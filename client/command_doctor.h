/* command_doctor.h - what the files of doctor share. Part of command.
 *
 *   ownership  diagnosis: out is to be cleared
 */
#pragma once

#include "client/command.h"
#include "shared/text.h"

struct arena;
struct err;
struct store;

/* What doctor has found. */
struct diagnosis {
    const struct command_call *call;
    struct text out;
    bool is_ill;
};

struct finding {
    const char *about;
    bool is_well;
    struct span members; /* of JSON, each with a comma behind it */
    struct span words;
};
void doctor_tell(struct diagnosis *diagnosis, const struct finding *finding);

/* Who it is that goes on writing, writes twice, or writes as somebody else. */
MUST_CHECK bool doctor_tell_who(struct diagnosis *diagnosis, struct store *store,
                                struct arena *arena, struct err *err);

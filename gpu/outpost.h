/* outpost.h - `shoal-gpu serve --layers`: some layers of a model, for the stages before and behind.
 *
 *   units      layers, positions
 *   ownership  borrowed for the call
 *   threads    one; it takes SIGTERM and SIGINT
 *   errors     those of model, exec and station; ERR_INVALID layers that there are not
 */
#pragma once

#include <stdio.h>

#include "gpu/dtype.h"
#include "gpu/station.h"

struct card;
struct model;

/* What is told of a stage that listens. */
struct outpost_facts {
    const struct model *model;
    struct bytes32 root;
    uint32_t begin, end; /* layers */
    uint32_t context, sessions;
    uint16_t port;
    const struct station *station;
};

/* Whoever offers a stage to strangers. All is called on the stage's loop. */
struct outpost_agent {
    struct hail_door (*door)(void *owner);
    bool (*open)(void *owner, uv_loop_t *loop, const struct outpost_facts *facts, struct err *err);
    bool (*leave)(void *owner); /* it ends: true when that has been said where it was offered */
    void (*close)(void *owner); /* also where open was not called, or failed */
    void *owner;
};

struct outpost_options {
    const char *model;
    const char *layers; /* "12-21", both included */
    const char *listen; /* HOST:PORT */
    const char *next;   /* replicas of the stage behind: ws://HOST:PORT,... NULL: it is the last */
    bool is_lead;       /* it finds who goes on, where it is the first stage */
    const char *key_file; /* NULL: none, where nobody from elsewhere can call */
    const char *wire;     /* how rows go behind: f32, f16, bf16, i8 */
    const char *roots;    /* the folder of hashes; NULL */
    uint32_t context;     /* positions of a session; 0: the model's context, to 8192 */
    uint32_t sessions, threads;
    enum dtype_made weights;
    const struct card *card;           /* NULL: the processor */
    const struct outpost_agent *agent; /* NULL: it is not offered */
};

/* "12-21": 12 and 22. */
MUST_CHECK bool outpost_layers(uint32_t *begin, uint32_t *end, const char *layers,
                               const struct model *model, struct err *err);

/* Cuts "a,b" in place; how many. False for more than STATION_NEXT_MAX. */
MUST_CHECK bool outpost_next(const char **next, uint32_t *count, char *list, struct err *err);

/* The key in that file; without one, a known key, which is refused where others may call. */
MUST_CHECK bool outpost_key(struct bytes32 *key, const char *file, const char *host,
                            struct err *err);

/* Says "ready port=N" on out when it listens, and runs until it is told to end. */
MUST_CHECK bool outpost_run(const struct outpost_options *options, FILE *out, FILE *notes,
                            struct err *err);

/* asker.h - who asks a forged model and keeps what is told: of the whole model in this process, and
 * of one whose layers are in several.
 *
 *   ownership  one model and one pipeline at a time; asker_clear frees an asker's room
 *   threads    one, but for what is told
 */
#pragma once

#include "gpu/pipeline.h"

enum { ASKER_PROMPT_MAX = 300, ASKER_TOKENS_MAX = 400 };

struct asker {
    uint32_t prompt_count, tokens_max;
    uint32_t prompt[ASKER_PROMPT_MAX];
    struct sampler_options sampler;
    uint32_t likely; /* that are told with each token */
    uint32_t count;
    uint32_t tokens[ASKER_TOKENS_MAX];
    float probabilities[ASKER_TOKENS_MAX], margins[ASKER_TOKENS_MAX]; /* over the next likeliest */
    bool has_ended;
    enum answer_end end;
    char why[128];
    struct stint_list stints; /* asker_clear frees them */
};

/* Told, on the thread of the pipeline, after each token. */
extern void (*asker_watch)(struct asker *asker);
extern uint32_t asker_hangup_s; /* of the next pipeline */

void asker_open(uint32_t layers); /* a model in the test's folder */
void asker_close(void);
const char *asker_model(void); /* its path */

struct asker asker_of(uint32_t prompt_count, uint32_t tokens_max, uint32_t seed);

/* Fills in what the whole model tells. */
void asker_ask_whole(struct asker *askers, uint32_t count);

/* What a pipeline of that many first layers tells, which goes on at next: ws://...,... */
void asker_pipe(uint32_t layers, const char *const *next, uint32_t next_count, const char *wire);

/* The same of a lead that goes on with workers that have a door, as asker_route says. */
void asker_lead(uint32_t layers, const char *wire);
struct worker;
void asker_route(const struct worker *const *workers, uint32_t count);
void asker_clear(struct asker *asker);

void asker_ask_pipe(struct asker *askers, uint32_t count); /* until all have ended */
uint64_t asker_reopened(void);
void asker_unpipe(void);

/* Each has told the same as its twin, to the last bit. */
void asker_compare(const struct asker *askers, const struct asker *twins, uint32_t count);

/* engine.h - a model of this node as a source of answers: opened, scheduled, told on the loop.
 *
 * Prompts are made into tokens on the loop's pool; answers come from the scheduler's thread, and
 * are told on the loop's.
 *
 *   ownership  engine_close frees all; every job must have ended
 *   threads    loop thread only
 *   errors     those of model, tokenizer, chat, exec and scheduler
 */
#pragma once

#include <uv.h>

#include "gpu/dtype.h"
#include "gpu/scheduler.h"
#include "gpu/source.h"

struct card;
struct engine;
struct measure;
struct model;
struct outpost_options;
struct tokenizer;

struct engine_options {
    const char *model;
    const char *chat;                    /* the name of a format; NULL: by the model's template */
    uint32_t context;                    /* of one answer and its prompt; 0: the model's, to 8192 */
    uint32_t parallel;                   /* answers at once */
    uint32_t waiting;                    /* that may wait */
    uint32_t threads;                    /* 0: as many as there are cores */
    const struct outpost_options *stage; /* of a model whose last layers run elsewhere; NULL */
    enum dtype_made weights;
    const struct card *card; /* NULL: the processor */
};

struct engine *engine_open(uv_loop_t *loop, const struct engine_options *options, struct err *err);

/* Once the loop has run on until its handle has closed, all is freed. */
void engine_close(struct engine *engine);

struct source *engine_source(struct engine *engine);
const struct model *engine_model(const struct engine *engine);
const struct measure *engine_measure(const struct engine *engine);
uint32_t engine_context(const struct engine *engine);
const struct chat_format *engine_chat(const struct engine *engine); /* NULL: none is known */
struct span engine_template(const struct engine *engine);
const struct tokenizer *engine_tokenizer(const struct engine *engine);
struct scheduler_statistics engine_statistics(struct engine *engine);

/* Of one that leads a pipeline: as pipeline.h has it. */
struct lead_stage;
struct pipeline_meeting;
void engine_route(struct engine *engine, const struct lead_stage *stages, uint32_t count);
MUST_CHECK bool engine_meeting(struct engine *engine, uint64_t number,
                               struct pipeline_meeting *meeting);

/* From when an answer is asked for to its first token, of late; 0: there was none yet. */
uint32_t engine_first_ms(struct engine *engine);

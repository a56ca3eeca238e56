/* command_infer_far.h - a job at a node that is asked over relays: what command_infer_job does by
 * HTTP, done by a melt. Part of command.
 *
 *   units, ownership, threads, errors  command_infer_job.h's
 */
#pragma once

#include "client/command_infer_job.h"

/* Whether a mint is asked over relays. */
bool infer_is_far(struct span url);

void infer_far_begin(struct infer_job *job);
MUST_CHECK bool infer_far_pay(struct infer_job *job, struct err *err);
void infer_far_stop(struct infer_job *job);
MUST_CHECK bool infer_far_settle(struct infer_job *job, struct err *err);
void infer_far_free(struct infer_job *job);

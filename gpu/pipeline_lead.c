/* pipeline_lead.c - a pipeline whose stages are found one by one. */
#include <stdlib.h>

#include "gpu/pipeline_parts.h"

struct job *pipeline_find_job(const struct pipeline *pipeline, uint64_t session)
{
    for (uint32_t i = 0; i < pipeline->running.count; i++)
        if (pipeline->running.at[i]->ticket == session)
            return pipeline->running.at[i];
    return NULL;
}

static bool on_admit(void *owner, uint64_t session)
{
    return pipeline_find_job(owner, session) != NULL;
}

static void on_did(void *owner, uint64_t session, const struct stint *stint)
{
    const struct pipeline *pipeline = owner;
    struct job *job = pipeline_find_job(pipeline, session);
    if (pipeline->leaving != NULL && pipeline->leaving->ticket == session)
        job = pipeline->leaving;
    if (job != NULL)
        stint_add(&job->stints, stint);
}

/* Under the lock. */
static struct pipeline_meeting *find_meeting(struct pipeline *pipeline, uint64_t number)
{
    for (uint32_t i = 0; i < pipeline->meeting_count; i++)
        if (pipeline->meetings[i].number == number)
            return pipeline->meetings + i;
    return NULL;
}

static void on_met(void *owner, uint64_t number, bool is_there)
{
    struct pipeline *pipeline = owner;
    pthread_mutex_lock(&pipeline->lock);
    struct pipeline_meeting *meeting = find_meeting(pipeline, number);
    if (meeting != NULL && is_there)
        meeting->links++;
    if (meeting != NULL && !is_there) {
        meeting->links--;
        meeting->losses++;
    }
    pthread_mutex_unlock(&pipeline->lock);
}

struct lead_setup pipeline_lead(void)
{
    return (struct lead_setup){.admits = on_admit, .did = on_did, .met = on_met};
}

void pipeline_take_route(struct pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->lock);
    struct lead_stage *route = pipeline->route;
    uint32_t count = pipeline->route_count;
    pipeline->route = NULL;
    pthread_mutex_unlock(&pipeline->lock);
    if (route != NULL && !uv_is_closing((uv_handle_t *)&pipeline->wake))
        lead_route(pipeline->lead, route, count);
    free(route);
}

/* ---- on any thread ---- */

/* Under the lock. Those that stay have been met or not as before. */
static void keep_meetings(struct pipeline *pipeline, const struct lead_stage *stages,
                          uint32_t count)
{
    struct pipeline_meeting meetings[LEAD_STAGES_MAX];
    for (uint32_t i = 0; i < count; i++) {
        const struct pipeline_meeting *old = find_meeting(pipeline, stages[i].number);
        meetings[i] = old != NULL ? *old : (struct pipeline_meeting){.number = stages[i].number};
    }
    memcpy(pipeline->meetings, meetings, count * sizeof *meetings);
    pipeline->meeting_count = count;
}

void pipeline_route(struct pipeline *pipeline, const struct lead_stage *stages, uint32_t count)
{
    if (count > LEAD_STAGES_MAX)
        count = LEAD_STAGES_MAX;
    struct lead_stage *route = calloc((size_t)count + 1, sizeof *route);
    if (route == NULL)
        abort();
    for (uint32_t i = 0; i < count; i++)
        route[i] = stages[i];
    pthread_mutex_lock(&pipeline->lock);
    free(pipeline->route);
    pipeline->route = route;
    pipeline->route_count = count;
    keep_meetings(pipeline, stages, count);
    uv_async_send(&pipeline->wake);
    pthread_mutex_unlock(&pipeline->lock);
}

bool pipeline_meeting(struct pipeline *pipeline, uint64_t number, struct pipeline_meeting *meeting)
{
    pthread_mutex_lock(&pipeline->lock);
    const struct pipeline_meeting *found = find_meeting(pipeline, number);
    if (found != NULL)
        *meeting = *found;
    pthread_mutex_unlock(&pipeline->lock);
    return found != NULL;
}

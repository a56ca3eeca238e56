/* What every shard says of itself, put together by the first. The others are asked over connections
 * of our own, which last as long as somebody keeps asking. */
#include <libpq-fe.h>
#include <stdlib.h>

#include "relay/admin_job.h"
#include "relay/control_sql.h"
#include "relay/db.h"
#include "relay/log.h"
#include "relay/param.h"
#include "relay/schema.h"
#include "relay/shards.h"
#include "shared/text.h"

_Static_assert((int)ADMIN_SHARDS_MAX == (int)SHARDS_MAX, "a connection for each");

enum {
    CONNECT_MS_MAX = 3000, /* then a shard is said not to answer */
    ANSWER_MS_MAX = 4000,
    IDLE_MS_MAX = 60000,
};

struct survey;

struct part {
    struct survey *survey;
    bool is_begun; /* asked, or given up */
    struct text said;
};

struct survey {
    struct list_node listed;
    struct admin_job *job;
    uint64_t since_ms;
    uint32_t count, left; /* parts, and those that are not over */
    struct part parts[SHARDS_MAX];
};

static struct span text_of(const PGresult *result)
{
    return (struct span){PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0)};
}

static bool has_text(const PGresult *result)
{
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
        return true;
    if (result != NULL)
        log_error("admin", "cannot count: %s", db_error(result));
    return false;
}

static void on_sum(void *owner, const PGresult *result)
{
    if (has_text(result))
        admin_say_stats(owner, text_of(result));
    else
        admin_refuse(owner, 503, "the database is unavailable; try again");
}

static void sum_up(struct admin_job *job, struct span parts)
{
    struct param_list params = {0};
    struct db_call call = {.statement = CONTROL_SQL_STATS_SUM, .reply = on_sum, .owner = job};
    struct err err;
    param_bytes(&params, parts);
    param_call(&params, &call);
    bool is_sent = db_query(control_db_link(job->admin->setup.control_db), &call, &err);
    param_clear(&params);
    if (!is_sent)
        admin_fail(job, 503, &err);
}

static void finish(struct survey *survey)
{
    struct admin_job *job = survey->job;
    struct text all = {0};
    list_remove(&job->admin->surveys, &survey->listed);
    for (uint32_t i = 0; i < survey->count; i++) {
        struct text *said = &survey->parts[i].said;
        text_add(&all, i == 0 ? SPAN("[") : SPAN(","));
        text_add(&all, said->len > 0 ? text_span(said)
                                     : SPAN("{\"database\":{\"error\":\"does not answer\"}}"));
        text_clear(said);
    }
    text_add(&all, SPAN("]"));
    free(survey);
    sum_up(job, text_span(&all));
    text_clear(&all);
}

static void end_part(struct survey *survey)
{
    if (--survey->left == 0)
        finish(survey);
}

static void on_part(void *owner, const PGresult *result)
{
    struct part *part = owner;
    if (has_text(result))
        text_add(&part->said, text_of(result));
    end_part(part->survey);
}

static void go_on(struct admin *admin);

static void on_state(void *owner, bool is_ready)
{
    if (is_ready)
        go_on(owner);
}

static struct db *link_to(struct admin *admin, uint32_t number)
{
    const struct shard *shard = shards_at(admin->setup.store, number);
    if (number == 0)
        return control_db_link(admin->setup.control_db);
    if (admin->links[number] == NULL) {
        const struct db_setup setup = {.conninfo = shard->conninfo,
                                       .prepare = control_sql_prepare_stats,
                                       .context = shard,
                                       .on_state = on_state,
                                       .owner = admin,
                                       .answer_ms_max = ANSWER_MS_MAX};
        admin->links[number] = db_new(admin->loop, &setup);
    }
    return admin->links[number];
}

/* Asks those that can be asked; gives up those that could not be for too long. The survey is gone
 * if those were the last. */
static void go_on_with(struct survey *survey)
{
    struct admin *admin = survey->job->admin;
    bool is_late = uv_now(admin->loop) - survey->since_ms > CONNECT_MS_MAX;
    uint32_t given_up = 0;
    for (uint32_t i = 0; i < survey->count; i++) {
        struct part *part = &survey->parts[i];
        const struct db_call call = {
            .statement = CONTROL_SQL_STATS, .reply = on_part, .owner = part};
        struct err err;
        if (part->is_begun)
            continue;
        bool is_asked = db_query(link_to(admin, i), &call, &err);
        part->is_begun = is_asked || is_late;
        given_up += !is_asked && is_late;
    }
    survey->left -= given_up;
    if (survey->left == 0)
        finish(survey);
}

static void go_on(struct admin *admin)
{
    struct survey *next;
    for (struct survey *survey = list_first(&admin->surveys); survey != NULL; survey = next) {
        next = list_next(&survey->listed);
        go_on_with(survey);
    }
}

static void cut_links(struct admin *admin)
{
    for (uint32_t i = 0; i < ADMIN_SHARDS_MAX; i++) {
        struct db *link = admin->links[i];
        admin->links[i] = NULL;
        if (link != NULL)
            db_free(link);
    }
}

void admin_survey_tick(struct admin *admin)
{
    go_on(admin);
    if (list_first(&admin->surveys) != NULL)
        admin->surveyed_ms = uv_now(admin->loop);
    else if (uv_now(admin->loop) - admin->surveyed_ms > IDLE_MS_MAX)
        cut_links(admin);
}

void admin_survey_end(struct admin *admin)
{
    struct survey *next;
    cut_links(admin);
    for (struct survey *survey = list_first(&admin->surveys); survey != NULL; survey = next) {
        next = list_next(&survey->listed);
        for (uint32_t i = 0; i < survey->count; i++) {
            survey->left -= !survey->parts[i].is_begun;
            survey->parts[i].is_begun = true;
        }
        if (survey->left == 0)
            finish(survey);
    }
}

void admin_show_stats(struct admin_job *job)
{
    struct admin *admin = job->admin;
    struct survey *survey = calloc(1, sizeof *survey);
    if (survey == NULL)
        abort();
    survey->job = job;
    survey->since_ms = admin->surveyed_ms = uv_now(admin->loop);
    while (survey->count < SHARDS_MAX && shards_at(admin->setup.store, survey->count) != NULL)
        survey->parts[survey->count++].survey = survey;
    survey->left = survey->count;
    list_append(&admin->surveys, &survey->listed, survey);
    go_on_with(survey);
}

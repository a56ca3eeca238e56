#include "relay/search.h"

#include <stdlib.h>

#include "relay/db.h"
#include "relay/folding.h"
#include "relay/kind_set.h"
#include "relay/language.h"
#include "relay/list.h"
#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/param.h"
#include "relay/row.h"
#include "relay/schema.h"
#include "relay/search_sql.h"
#include "relay/tag_hash.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/terms.h"

/* PAIRS_MAX: of keys and kinds. ANSWER_MS_MAX: more than a statement may take.
 * CONNECT_MS_MAX: who waits for a connection for so long waits no longer. */
enum { PAIRS_MAX = 4096, TAGS_MAX = 3, ANSWER_MS_MAX = 10000, CONNECT_MS_MAX = 5000 };

/* One question, in its turn. Who asked it may have gone meanwhile. */
struct job {
    struct list_node queued;
    struct search *search;
    struct search_call call; /* reply NULL: nobody waits */
    struct arena arena;
    uint32_t kind_count;
    uint16_t kinds[SEARCH_KINDS_MAX]; /* that are asked for, and indexed */
    enum search_source source;
    bool is_last; /* whatever this source gives is the answer */
};

struct search {
    uv_loop_t *loop;
    struct search_setup setup;
    struct db *db;   /* NULL until it is needed */
    uv_timer_t late; /* runs while somebody waits for a connection */
    struct hash_key key;
    bool has_key, is_asking, is_closing;
    struct list jobs; /* the first is the one asked */
    uint32_t waiting;
};

struct search *search_new(uv_loop_t *loop, const struct search_setup *setup)
{
    struct search *search = calloc(1, sizeof *search);
    if (search == NULL)
        abort();
    search->loop = loop;
    search->setup = *setup;
    search->late.data = search;
    uv_timer_init(loop, &search->late);
    return search;
}

static void choose_kinds(struct job *job)
{
    const struct kind_set *indexed = job->search->setup.kinds;
    const struct filter *filter = job->call.filter;
    for (uint32_t kind = 0; kind <= UINT16_MAX && job->kind_count < SEARCH_KINDS_MAX; kind++)
        if (kind_set_has(indexed, (uint16_t)kind) &&
            (filter->kinds.count == 0 || filter_names_kind(filter, (uint16_t)kind)))
            job->kinds[job->kind_count++] = (uint16_t)kind;
}

/* The condition with the fewest values is the one that may drive. */
static uint32_t fewest_tag(const struct filter *filter)
{
    uint32_t fewest = 0;
    for (uint32_t i = 1; i < filter->tag_count; i++)
        if (filter->tags[i].count < filter->tags[fewest].count)
            fewest = i;
    return fewest;
}

static enum search_source choose_source(const struct job *job)
{
    const struct filter *filter = job->call.filter;
    uint32_t pairs_max = job->kind_count > 0 ? PAIRS_MAX / job->kind_count : PAIRS_MAX;
    if (filter->ids.count > 0)
        return SEARCH_IDS;
    if (filter->tag_count > 0 && filter->tags[fewest_tag(filter)].count <= pairs_max)
        return SEARCH_TAGS;
    if (filter->authors.count > 0 && filter->authors.count <= pairs_max)
        return SEARCH_AUTHORS;
    return SEARCH_NEWEST;
}

static void bind_keys(struct param_list *params, const struct filter_keys *keys, bool is_ids)
{
    if (keys->count == 0) {
        param_null(params);
        return;
    }
    int place = param_begin(params, PARAM_INT8);
    for (uint32_t i = 0; i < keys->count; i++)
        param_add_int8(params, place,
                       is_ids ? tag_hash_tie(&keys->at[i]) : tag_hash_prefix(&keys->at[i]));
}

static void bind_tag(struct param_list *params, const struct filter_tag *tag,
                     const struct hash_key *key)
{
    int place = param_begin(params, PARAM_INT8);
    for (uint32_t i = 0; i < tag->count; i++)
        param_add_int8(params, place, tag_hash_of(key, tag->letter, tag->values[i]));
}

/* The driving one first. What is not bound is looked at when the rows are here. */
static void bind_tags(struct param_list *params, const struct filter *filter,
                      const struct hash_key *key)
{
    uint32_t bound = 0;
    uint32_t first = fewest_tag(filter);
    if (filter->tag_count > 0) {
        bind_tag(params, &filter->tags[first], key);
        bound++;
    }
    for (uint32_t i = 0; i < filter->tag_count && bound < TAGS_MAX; i++)
        if (i != first) {
            bind_tag(params, &filter->tags[i], key);
            bound++;
        }
    for (; bound < TAGS_MAX; bound++)
        param_null(params);
}

static void bind_job(struct param_list *params, struct job *job)
{
    const struct filter *filter = job->call.filter;
    const struct search *search = job->search;
    struct terms terms = terms_read(&job->arena, filter->search);
    const char *configuration = terms.language[0] != '\0' ? language_configuration(terms.language)
                                                          : search->setup.configuration;
    param_bytes(params, folding_of(&job->arena, terms.words));
    param_bytes(params, (struct span){configuration, strlen(configuration)});
    param_int8(params, filter->since);
    param_int8(params, filter->until);
    int place = param_begin(params, PARAM_INT4);
    for (uint32_t i = 0; i < job->kind_count; i++)
        param_add_int4(params, place, job->kinds[i]);
    bind_keys(params, &filter->authors, false);
    bind_tags(params, filter, &search->key);
    bind_keys(params, &filter->ids, true);
    param_int8(params, job->call.rows);
    if (terms.language[0] != '\0')
        param_bytes(params, (struct span){terms.language, 2});
    else
        param_null(params);
}

static void ask_next(struct search *search);

/* The reply may free the search, or ask. */
static void finish(struct job *job, const struct search_answer *answer)
{
    struct search *search = job->search;
    list_remove(&search->jobs, &job->queued);
    search->waiting--;
    if (job->call.reply != NULL)
        job->call.reply(job->call.owner, answer);
    arena_clear(&job->arena);
    free(job);
}

/* Whether more may be found by looking further. */
static bool is_open(const struct job *job, int64_t looked, int32_t found, int rows)
{
    return job->source == SEARCH_NEWEST && !job->is_last && looked == SEARCH_LOOKED_MAX &&
           found < SEARCH_FOUND_MAX && (uint32_t)rows < job->call.rows;
}

static void answer(struct job *job, const PGresult *result, bool is_all)
{
    int rows = PQntuples(result) - 1;
    struct search_answer answer = {.is_all = is_all};
    struct event *events = arena_array(&job->arena, struct event, (size_t)rows);
    int64_t *ranks = arena_array(&job->arena, int64_t, (size_t)rows);
    for (int i = 0; i < rows; i++) {
        if (!row_event(&events[answer.count], &job->arena, result, i) ||
            !filter_match(job->call.filter, &events[answer.count]))
            continue;
        ranks[answer.count++] = row_int8(result, i, SEARCH_RANK);
    }
    answer.events = events;
    answer.ranks = ranks;
    finish(job, &answer);
}

static bool ask(struct job *job);

/* Only the index of words can take too long: then what the newest give is the answer. */
static void on_refused(struct job *job, const PGresult *result)
{
    log_warning("search", "%s", db_error(result));
    metrics_add(METRIC_DATABASE_ERRORS, 1);
    bool is_words = job->source == SEARCH_WORDS;
    job->source = SEARCH_NEWEST;
    job->is_last = true;
    if (!is_words || !ask(job))
        finish(job, NULL);
}

static void on_answer(void *owner, const PGresult *result)
{
    struct job *job = owner;
    struct search *search = job->search;
    search->is_asking = false;
    if (result == NULL || job->call.reply == NULL) {
        finish(job, NULL);
    } else if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        on_refused(job, result);
    } else {
        int rows = PQntuples(result) - 1;
        int64_t looked = row_int8(result, rows, SEARCH_LOOKED);
        int32_t found = row_int4(result, rows, SEARCH_FOUND);
        bool goes_on = is_open(job, looked, found, rows);
        job->source = goes_on ? SEARCH_WORDS : job->source;
        if (!goes_on || !ask(job))
            answer(job, result, looked < SEARCH_LOOKED_MAX && found < SEARCH_FOUND_MAX);
    }
    ask_next(search);
}

static bool ask(struct job *job)
{
    struct search *search = job->search;
    struct param_list params = {0};
    struct db_call call = {
        .statement = search_sql_name(job->source), .reply = on_answer, .owner = job};
    bind_job(&params, job);
    param_call(&params, &call);
    search->is_asking = db_query(search->db, &call, NULL);
    param_clear(&params);
    return search->is_asking;
}

static void on_late(uv_timer_t *late);

/* In turn. Without a connection they wait for one. */
static void ask_next(struct search *search)
{
    struct job *job;
    while (!search->is_asking && (job = list_first(&search->jobs)) != NULL) {
        if (job->call.reply == NULL) {
            finish(job, NULL);
        } else if (!search->has_key || !ask(job)) {
            if (!uv_is_active((uv_handle_t *)&search->late))
                uv_timer_start(&search->late, on_late, CONNECT_MS_MAX, 0);
            return;
        }
    }
}

static void fail_all(struct search *search)
{
    for (struct job *job; !search->is_asking && (job = list_first(&search->jobs)) != NULL;)
        finish(job, NULL);
}

static void on_late(uv_timer_t *late)
{
    struct search *search = late->data;
    if (!search->has_key)
        fail_all(search);
}

static void on_key(void *owner, const PGresult *result)
{
    struct search *search = owner;
    search->has_key = result != NULL && tag_hash_key_read(&search->key, result);
    ask_next(search);
}

static void on_state(void *owner, bool is_ready)
{
    struct search *search = owner;
    const struct db_call call = {.statement = SEARCH_KEY, .reply = on_key, .owner = search};
    search->has_key = false;
    if (!is_ready)
        fail_all(search);
    else if (!db_query(search->db, &call, NULL))
        log_error("search", "cannot ask for the hash key");
}

static void on_closed(uv_handle_t *late)
{
    free(late->data);
}

void search_free(struct search *search)
{
    search->is_closing = true;
    search->has_key = false;
    if (search->db != NULL)
        db_free(search->db);
    fail_all(search);
    uv_close((uv_handle_t *)&search->late, on_closed);
}

static void connect_once(struct search *search)
{
    const struct db_setup setup = {.conninfo = search->setup.shard->conninfo,
                                   .prepare = search_sql_prepare,
                                   .context = search->setup.shard,
                                   .on_state = on_state,
                                   .owner = search,
                                   .answer_ms_max = ANSWER_MS_MAX};
    if (search->db == NULL)
        search->db = db_new(search->loop, &setup);
}

bool search_has_room(const struct search *search, struct err *err)
{
    if (search->waiting >= SEARCH_WAITING_MAX)
        return err_set(err, ERR_RATE_LIMITED, "too many searches at once; try again");
    return true;
}

void search_ask(struct search *search, const struct search_call *call)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    job->search = search;
    job->call = *call;
    choose_kinds(job);
    job->source = choose_source(job);
    list_append(&search->jobs, &job->queued, job);
    search->waiting++;
    connect_once(search);
    ask_next(search);
}

void search_forget(struct search *search, const void *owner)
{
    struct job *job = list_first(&search->jobs);
    for (; job != NULL; job = list_next(&job->queued))
        if (job->call.owner == owner)
            job->call.reply = NULL;
}

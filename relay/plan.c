#include "relay/plan.h"

#include "relay/hash.h"
#include "relay/param.h"
#include "relay/tag_hash.h"
#include "shared/filter.h"

static uint32_t drivers_of(const struct filter *filter)
{
    uint32_t tags = filter->tag_count < PLAN_TAGS_MAX ? filter->tag_count : PLAN_TAGS_MAX;
    return tags + (filter->authors.count > 0);
}

static bool is_impossible(const struct filter *filter)
{
    return filter->matches_nothing || filter->since > filter->until;
}

bool plan_is_open(const struct filter *filter)
{
    return !is_impossible(filter) && filter->ids.count == 0 && drivers_of(filter) > 1;
}

/* Whether a pair for each of keys and kind is no more than a statement may take. */
static bool are_few(uint32_t keys, const struct filter *filter)
{
    return (uint64_t)keys * filter->kinds.count <= PLAN_PAIRS_MAX;
}

static void drive_by_authors(struct plan *plan, const struct filter *filter)
{
    bool by_kinds = filter->kinds.count > 0 && are_few(filter->authors.count, filter);
    plan->shape.driver = by_kinds ? PLAN_AUTHORS_KINDS : PLAN_AUTHORS;
}

static void drive_by_tag(struct plan *plan, const struct filter *filter, uint32_t tag)
{
    bool by_kinds = filter->kinds.count > 0 && are_few(filter->tags[tag].count, filter);
    plan->shape.driver = by_kinds ? PLAN_TAG_KINDS : PLAN_TAG;
    plan->tag = tag;
}

static void drive_by_fewest(struct plan *plan, const struct filter *filter,
                            const struct plan_counts *counts)
{
    int64_t fewest = INT64_MAX;
    if (filter->authors.count > 0) {
        drive_by_authors(plan, filter);
        fewest = counts != NULL ? counts->authors : 0;
    }
    for (uint32_t i = 0; i < filter->tag_count && i < PLAN_TAGS_MAX; i++) {
        int64_t count = counts != NULL ? counts->tags[i] : 0;
        if (count < fewest) {
            drive_by_tag(plan, filter, i);
            fewest = count;
        }
    }
}

static void drive_by_rest(struct plan *plan, const struct filter *filter)
{
    plan->shape.driver = filter->kinds.count > 0 ? PLAN_KINDS : PLAN_ALL;
}

static bool drives_by_kinds(const struct plan *plan)
{
    enum plan_driver driver = plan->shape.driver;
    return driver == PLAN_KINDS || driver == PLAN_AUTHORS_KINDS || driver == PLAN_TAG_KINDS;
}

static bool drives_by_authors(const struct plan *plan)
{
    return plan->shape.driver == PLAN_AUTHORS || plan->shape.driver == PLAN_AUTHORS_KINDS;
}

static bool drives_by_tag(const struct plan *plan)
{
    return plan->shape.driver == PLAN_TAG || plan->shape.driver == PLAN_TAG_KINDS;
}

/* Whether a candidate may fail for more than its age. A walk leaves out the kinds not wanted. */
static bool has_residue(const struct plan *plan, const struct filter *filter)
{
    bool kinds = filter->kinds.count > 0 &&
                 (plan->shape.driver == PLAN_ALL || plan->shape.driver == PLAN_IDS);
    bool authors = filter->authors.count > 0 && !drives_by_authors(plan);
    return kinds || authors || filter->tag_count > (drives_by_tag(plan) ? 1U : 0U);
}

static bool is_direct(const struct plan *plan, const struct filter *filter)
{
    if (plan->shape.driver == PLAN_IDS)
        return !plan->is_empty && filter->ids.count == 1; /* it matches or it does not */
    if (has_residue(plan, filter))
        return false;
    switch (plan->shape.driver) {
    case PLAN_ALL:
        return true;
    case PLAN_KINDS:
        return filter->kinds.count == 1;
    case PLAN_AUTHORS_KINDS:
        return filter->authors.count == 1 && filter->kinds.count == 1;
    case PLAN_TAG_KINDS:
        return filter->tags[plan->tag].count == 1 && filter->kinds.count == 1;
    case PLAN_IDS:
    case PLAN_AUTHORS:
    case PLAN_TAG:
    case PLAN_DRIVER_COUNT:
        return false;
    }
    return false;
}

/* The smallest that gives the rows wanted; the largest where many candidates may fail. */
static void choose_bucket(struct plan *plan, const struct store_read *read)
{
    uint32_t *bucket = &plan->shape.bucket;
    *bucket = 0;
    plan->shape.is_direct = is_direct(plan, read->filter);
    if (plan->shape.is_direct)
        return;
    for (*bucket = 0; *bucket + 1 < PLAN_BUCKET_COUNT; ++*bucket)
        if (!has_residue(plan, read->filter) && plan_bucket_rows(&plan->shape) >= read->rows)
            return;
}

/* Where the page begins: at until, or just after the last place seen. */
static void choose_range(struct plan *plan, const struct store_read *read)
{
    const struct store_cursor *after = read->after;
    plan->since = read->filter->since;
    plan->until = read->filter->until;
    plan->tie = INT64_MAX;
    if (after == NULL || after->created_at > plan->until)
        return;
    struct bytes32 id = {{0}};
    for (int i = 0; i < 8; i++)
        id.at[i] = (uint8_t)(after->id_prefix >> (56 - 8 * i));
    plan->until = after->created_at;
    plan->tie = tag_hash_tie(&id);
    if (plan->tie > INT64_MIN) {
        plan->tie--;
    } else { /* the second is used up; at 0 nothing is left, and since is greater than until */
        plan->until--;
        plan->tie = INT64_MAX;
    }
}

struct plan plan_choose(const struct store_read *read, const struct plan_counts *counts)
{
    const struct filter *filter = read->filter;
    struct plan plan = {.shape.brief = read->brief, .is_empty = is_impossible(filter)};
    if (plan.is_empty || filter->ids.count > 0)
        plan.shape.driver = PLAN_IDS;
    else if (drivers_of(filter) > 0)
        drive_by_fewest(&plan, filter, counts);
    else
        drive_by_rest(&plan, filter);
    choose_bucket(&plan, read);
    choose_range(&plan, read);
    return plan;
}

void plan_widen(struct plan *plan, const struct store_read *read)
{
    drive_by_rest(plan, read->filter);
    choose_bucket(plan, read);
}

static void bind_authors(struct param_list *params, const struct filter *filter)
{
    int place = param_begin(params, PARAM_INT8);
    for (uint32_t i = 0; i < filter->authors.count; i++)
        param_add_int8(params, place, tag_hash_prefix(&filter->authors.at[i]));
}

static void bind_ids(struct param_list *params, const struct filter *filter)
{
    int place = param_begin(params, PARAM_INT8);
    for (uint32_t i = 0; i < filter->ids.count; i++)
        param_add_int8(params, place, tag_hash_tie(&filter->ids.at[i]));
}

static void bind_kinds(struct param_list *params, const struct filter *filter)
{
    int place = param_begin(params, PARAM_INT4);
    for (uint32_t i = 0; i < filter->kinds.count; i++)
        param_add_int4(params, place, filter->kinds.at[i]);
}

static void bind_tag(struct param_list *params, const struct filter_tag *tag,
                     const struct hash_key *key)
{
    int place = param_begin(params, PARAM_INT8);
    for (uint32_t i = 0; i < tag->count; i++)
        param_add_int8(params, place, tag_hash_of(key, tag->letter, tag->values[i]));
}

static void bind_keys(struct param_list *params, const struct plan *plan,
                      const struct filter *filter, const struct hash_key *key)
{
    if (plan->is_empty)
        param_int8s(params, NULL, 0);
    else if (plan->shape.driver == PLAN_IDS)
        bind_ids(params, filter);
    else if (drives_by_authors(plan))
        bind_authors(params, filter);
    else if (drives_by_tag(plan))
        bind_tag(params, &filter->tags[plan->tag], key);
    else
        param_null(params);
}

static void bind_residue(struct param_list *params, const struct plan *plan,
                         const struct filter *filter, const struct hash_key *key)
{
    int bound = 0;
    if (filter->authors.count > 0 && !drives_by_authors(plan))
        bind_authors(params, filter);
    else
        param_null(params);
    if (filter->kinds.count > 0 && !drives_by_kinds(plan))
        bind_kinds(params, filter);
    else
        param_null(params);
    for (uint32_t i = 0; i < filter->tag_count && bound < PLAN_TAGS_MAX; i++) {
        bool is_driver = drives_by_tag(plan) && i == plan->tag;
        if (is_driver || filter->tags[i].count > PLAN_TAG_VALUES_MAX)
            continue;
        bind_tag(params, &filter->tags[i], key);
        bound++;
    }
    for (; bound < PLAN_TAGS_MAX; bound++)
        param_null(params);
}

void plan_bind(struct param_list *params, const struct plan *plan, const struct store_read *read,
               const struct hash_key *key)
{
    bind_keys(params, plan, read->filter, key);
    if (drives_by_kinds(plan))
        bind_kinds(params, read->filter);
    else
        param_null(params);
    param_int8(params, plan->since);
    param_int8(params, plan->until);
    param_int8(params, plan->tie);
    bind_residue(params, plan, read->filter, key);
    param_int8(params, read->rows + plan->shape.is_direct);
}

const char *plan_count_name(const struct filter *filter)
{
    uint32_t most = filter->authors.count;
    for (uint32_t i = 0; i < filter->tag_count && i < PLAN_TAGS_MAX; i++)
        if (filter->tags[i].count > most)
            most = filter->tags[i].count;
    return filter->kinds.count > 0 && are_few(most, filter) ? PLAN_COUNT_KINDS : PLAN_COUNT;
}

void plan_bind_count(struct param_list *params, const struct store_read *read,
                     const struct hash_key *key)
{
    const struct filter *filter = read->filter;
    struct plan plan = {0};
    choose_range(&plan, read);
    bind_authors(params, filter);
    bind_kinds(params, filter);
    param_int8(params, plan.since);
    param_int8(params, plan.until);
    param_int8(params, plan.tie);
    for (uint32_t i = 0; i < PLAN_TAGS_MAX; i++)
        if (i < filter->tag_count)
            bind_tag(params, &filter->tags[i], key);
        else
            param_null(params);
}

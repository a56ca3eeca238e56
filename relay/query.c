#include "relay/query.h"

#include <stdlib.h>

#include "relay/interest.h"
#include "relay/list.h"
#include "relay/live.h"
#include "relay/metrics.h"
#include "relay/policy.h"
#include "relay/reply.h"
#include "relay/request.h"
#include "relay/searches.h"
#include "relay/session.h"
#include "relay/shards.h"
#include "shared/err.h"
#include "shared/filter.h"

struct query {
    struct query_setup setup;
    struct request_desk *desk;
    const char *draining; /* why nothing is answered any longer; NULL before that */
};

struct query *query_new(const struct query_setup *setup)
{
    struct query *query = calloc(1, sizeof *query);
    if (query == NULL)
        abort();
    query->setup = *setup;
    const struct request_setup desk = {
        .loop = setup->loop,
        .window = setup->window,
        .store = setup->store,
        .search = setup->search,
        .live = setup->live,
        .limit_default = setup->limit_default,
        .limit_max = setup->limit_max,
        .count_max = setup->count_max,
    };
    query->desk = request_desk_new(&desk);
    return query;
}

void query_free(struct query *query)
{
    request_desk_free(query->desk);
    free(query);
}

static void end_sub(struct query *query, struct sub *sub)
{
    request_end(sub->session, sub);
    live_remove(query->setup.live, sub);
}

static bool may_search(const struct query *query, const struct filter *filters, uint32_t count,
                       struct err *err)
{
    bool searches = false;
    for (uint32_t i = 0; i < count; i++)
        searches |= filters[i].search.len > 0;
    if (!searches)
        return true;
    if (query->setup.search == NULL)
        return err_set(err, ERR_UNSUPPORTED, "this relay does not search");
    return searches_have_room(query->setup.search, err);
}

/* What a REQ and a COUNT have in common. */
static bool may_start(const struct query *query, const struct session *session,
                      const struct filter *filters, uint32_t count, bool is_count, struct err *err)
{
    int64_t subs_max = query->setup.policy->subscriptions_max;
    if (query->draining != NULL)
        return err_set(err, ERR_INTERNAL, "%s", query->draining);
    if (!policy_filters(query->setup.policy, filters, count, session, err) ||
        !may_search(query, filters, count, err))
        return false;
    if (!is_count && session->sub_count >= subs_max)
        return err_set(err, ERR_INTERNAL, "more than %lld subscriptions", (long long)subs_max);
    if (is_count && session->request_count >= 2 * subs_max)
        return err_set(err, ERR_RATE_LIMITED, "too many queries at once");
    if (request_wants_store(filters, count, is_count) && !shards_is_ready(query->setup.store))
        return err_set(err, ERR_INTERNAL, "the database is unavailable; try again");
    return true;
}

void query_req(struct query *query, struct session *session, struct arena *arena, struct span name,
               const struct filter *filters, uint32_t count)
{
    struct err err;
    metrics_add(METRIC_REQS_RECEIVED, 1);
    query_close(query, session, name);
    if (!may_start(query, session, filters, count, false, &err)) {
        reply_closed(session, name, &err);
        arena_clear(arena);
        return;
    }
    /* From now on nothing new is missed. */
    struct sub *sub = live_add(query->setup.live, session, name, filters, count);
    arena_clear(arena);
    const struct request_call call = {
        .session = session,
        .sub = sub,
        .name = sub->name,
        .filters = sub->interest->filters,
        .count = count,
    };
    request_start(query->desk, &call);
}

void query_count(struct query *query, struct session *session, struct arena *arena,
                 struct span name, const struct filter *filters, uint32_t count)
{
    struct err err;
    metrics_add(METRIC_COUNTS_RECEIVED, 1);
    if (!may_start(query, session, filters, count, true, &err)) {
        reply_closed(session, name, &err);
        arena_clear(arena);
        return;
    }
    const struct request_call call = {
        .session = session,
        .arena = *arena,
        .name = name,
        .filters = filters,
        .count = count,
    };
    *arena = (struct arena){0};
    request_start(query->desk, &call);
}

void query_close(struct query *query, struct session *session, struct span name)
{
    struct sub *sub = live_find(session, name);
    if (sub != NULL)
        end_sub(query, sub);
}

void query_session_ended(struct query *query, struct session *session)
{
    request_end_all(session, NULL);
    live_remove_all(query->setup.live, session);
}

static bool drain_session(void *owner, struct session *session)
{
    struct query *query = owner;
    struct err why;
    err_fill(&why, ERR_INTERNAL, "%s", query->draining);
    request_end_all(session, &why);
    for (struct sub *sub; (sub = list_first(&session->subs)) != NULL;) {
        reply_closed(session, sub->name, &why);
        live_remove(query->setup.live, sub);
    }
    return true;
}

void query_drain(struct query *query, const char *reason)
{
    query->draining = reason;
    session_each(query->setup.sessions, drain_session, query);
}

#include "tests/verdicts.h"

#include <string.h>

#include "tests/random.h"

struct grant {
    int index; /* -1: none */
    enum act_role role;
    int rank;
};

/* Rank by grant, -1 of what gives none. */
struct ranks {
    int at[VERDICTS_EVENTS_MAX];
};

static bool is_struck(const struct verdicts *v, const bool *set, int key, int grant, int deed)
{
    for (int r = 0; r < v->count; r++) {
        if (!set[r] || !v->removes[r] || v->events[r].who != key)
            continue;
        if (deed >= 0 && (deed == r || v->before[r][deed]))
            continue; /* the removal saw it */
        if (grant == r || v->before[grant][r])
            continue; /* given again after that */
        return true;
    }
    return false;
}

static bool is_ended(const struct verdicts_event *grant, int at)
{
    return grant->until > 0 && at > grant->until;
}

/* A grant of one entity, or kind, lets its holder read all else. */
static enum act_role given(const struct verdicts_event *grant, const struct verdicts_event *deed)
{
    bool is_limited = grant->only > 0 || grant->is_void;
    bool is_of = deed->is_op && !grant->is_void && deed->entity + 1 == grant->only;
    return !is_limited || is_of ? grant->role : ACT_READER;
}

static struct grant best_of(const struct verdicts *v, const bool *set, const struct ranks *ranks,
                            int deed)
{
    struct grant best = {-1, ACT_READER, 0};
    int author = v->events[deed].author;
    for (int g = 0; g < v->count; g++) {
        const struct verdicts_event *grant = &v->events[g];
        int key = grant->type == ACT_CREATE ? grant->author : grant->who;
        if (ranks->at[g] < 0 || key != author || !v->before[deed][g] ||
            is_struck(v, set, author, g, deed) || is_ended(grant, v->events[deed].time))
            continue;
        enum act_role role = given(grant, &v->events[deed]);
        if (best.index < 0 || role > best.role || (role == best.role && ranks->at[g] < best.rank))
            best = (struct grant){g, role, ranks->at[g]};
    }
    return best;
}

static void find_ranks(const struct verdicts *v, const bool *set, struct ranks *ranks)
{
    memset(ranks, 0xff, sizeof *ranks);
    for (int i = 0; i < v->count; i++) {
        if (!set[i] || !v->grants[i])
            continue;
        if (v->events[i].type == ACT_CREATE) {
            ranks->at[i] = 0;
            continue;
        }
        struct grant grant = best_of(v, set, ranks, i);
        if (grant.index >= 0 && grant.role == ACT_ADMIN)
            ranks->at[i] = grant.rank + 1;
    }
}

void verdicts_members(const struct verdicts *v, const bool *set, int at,
                      struct verdicts_member members[VERDICTS_KEYS])
{
    static const struct verdicts_event circle;
    struct ranks ranks;
    find_ranks(v, set, &ranks);
    memset(members, 0, VERDICTS_KEYS * sizeof *members);
    for (int g = 0; g < v->count; g++) {
        const struct verdicts_event *grant = &v->events[g];
        int key = grant->type == ACT_CREATE ? grant->author : grant->who;
        if (ranks.at[g] < 0 || is_struck(v, set, key, g, -1) || is_ended(grant, at))
            continue;
        enum act_role role = given(grant, &circle);
        struct verdicts_member *member = &members[key];
        if (!member->is_member || ranks.at[g] < member->rank)
            member->rank = ranks.at[g];
        if (!member->is_member || role > member->role)
            member->role = role;
        member->is_member = true;
    }
}

/* Somebody who is removed, and those who remove: by all that comes before i. */
struct removal {
    const bool *past;
    struct verdicts_member now[VERDICTS_KEYS], ever[VERDICTS_KEYS];
    struct ranks ranks;
};

static bool removes(const struct verdicts_event *event, const struct removal *removal)
{
    const struct verdicts_member *me = &removal->now[event->author];
    const struct verdicts_member *who = &removal->ever[event->who];
    if (!me->is_member || !who->is_member)
        return false;
    if (event->author == event->who)
        return event->who != 0;
    return me->role == ACT_ADMIN && me->rank < who->rank;
}

/* How many have to agree, 0 where nobody has asked. */
static int quorum_of(const struct verdicts *v, const struct removal *removal, int rank)
{
    int last = -1;
    for (int p = 0; p < v->count; p++) {
        if (!removal->past[p] || v->events[p].is_op || v->events[p].type != ACT_POLICY)
            continue;
        struct grant grant = best_of(v, removal->past, &removal->ranks, p);
        if (grant.index >= 0 && grant.role == ACT_ADMIN && grant.rank < rank &&
            (last < 0 || v->events[p].time >= v->events[last].time))
            last = p;
    }
    return last < 0 ? 0 : v->events[last].quorum;
}

/* Who has said before that somebody is to go, and has not been answered by another grant. */
static int votes_of(const struct verdicts *v, const struct removal *removal,
                    const struct verdicts_event *event)
{
    bool has_voted[VERDICTS_KEYS] = {false};
    int count = 1;
    for (int p = 0; p < v->count; p++) {
        const struct verdicts_event *vote = &v->events[p];
        const struct verdicts_member *voter = &removal->now[vote->author];
        bool is_vote = removal->past[p] && !vote->is_op && vote->type == ACT_REMOVE &&
                       vote->who == event->who && vote->author != event->author &&
                       voter->is_member && voter->role == ACT_ADMIN &&
                       voter->rank <= removal->ever[event->who].rank;
        for (int g = 0; is_vote && g < v->count; g++)
            is_vote = !(removal->past[g] && v->grants[g] && v->events[g].who == event->who &&
                        v->before[g][p]);
        count += is_vote && !has_voted[vote->author];
        has_voted[vote->author] = has_voted[vote->author] || is_vote;
    }
    return count;
}

/* One of the same rank, whom several remove together: the last of them does. */
static bool judge_vote(struct verdicts *v, int i, const struct removal *removal)
{
    const struct verdicts_event *event = &v->events[i];
    const struct verdicts_member *me = &removal->now[event->author];
    const struct verdicts_member *who = &removal->ever[event->who];
    if (!me->is_member || !who->is_member || event->author == event->who || me->role != ACT_ADMIN ||
        me->rank != who->rank)
        return false;
    int quorum = quorum_of(v, removal, who->rank);
    v->removes[i] = quorum > 0 && votes_of(v, removal, event) >= quorum;
    v->agrees[i] = v->removes[i];
    return quorum > 0;
}

/* Whether it was right by all that it comes after. */
static bool judge_change(struct verdicts *v, int i, const bool *past)
{
    const struct verdicts_event *event = &v->events[i];
    struct removal removal = {.past = past};
    find_ranks(v, past, &removal.ranks);
    verdicts_members(v, past, event->time, removal.now);
    verdicts_members(v, past, 0, removal.ever);
    struct grant grant = best_of(v, past, &removal.ranks, i);
    bool is_admin = grant.index >= 0 && grant.role == ACT_ADMIN;
    const struct verdicts_member *who = &removal.ever[event->who];
    switch (event->type) {
    case ACT_CREATE:
        v->grants[i] = i == 0;
        return i == 0;
    case ACT_ADD:
    case ACT_GRANT:
        v->grants[i] = is_admin;
        return is_admin;
    case ACT_ROLE:
        if (!is_admin || !who->is_member)
            return false;
        v->removes[i] = event->role < who->role && removes(event, &removal);
        v->grants[i] = event->role >= who->role || v->removes[i];
        return v->grants[i];
    case ACT_REMOVE:
    case ACT_LEAVE:
        v->removes[i] = removes(event, &removal);
        return v->removes[i] || (event->type == ACT_REMOVE && judge_vote(v, i, &removal));
    case ACT_VOID:
        return removal.now[event->author].is_member &&
               removal.now[event->author].role >= ACT_MODERATOR;
    case ACT_EPOCH:
    case ACT_POLICY:
        return is_admin;
    case ACT_UNKNOWN:
        break;
    }
    return grant.index >= 0;
}

static bool judge_op(const struct verdicts *v, int i, const bool *set)
{
    struct ranks ranks;
    find_ranks(v, set, &ranks);
    struct grant grant = best_of(v, set, &ranks, i);
    return grant.index >= 0 && grant.role >= ACT_WRITER;
}

static void follow(struct verdicts *v, int i, int parent)
{
    v->before[i][parent] = true;
    for (int j = 0; j < v->count; j++)
        v->before[i][j] = v->before[i][j] || v->before[parent][j];
}

/* An op, and what it comes after in its entity, unless it comes after a change that i does not. */
static void see(struct verdicts *v, int i, int op)
{
    for (int j = 0; j <= op; j++) {
        if (!v->events[j].is_op || (j != op && !v->before[op][j]))
            continue;
        bool is_within = true;
        for (int k = 0; k < v->count; k++)
            if (!v->events[k].is_op && v->before[j][k] && !v->before[i][k])
                is_within = false;
        v->before[i][j] = v->before[i][j] || is_within;
    }
}

/* A change that an op names as its ground, and the changes before it. */
static void stand(struct verdicts *v, int i, int ground)
{
    v->before[i][ground] = true;
    for (int j = 0; j < v->count; j++)
        v->before[i][j] = v->before[i][j] || (!v->events[j].is_op && v->before[ground][j]);
}

static void find_before(struct verdicts *v, int i)
{
    const struct verdicts_event *event = &v->events[i];
    for (int j = 0; j < event->parent_count; j++)
        follow(v, i, event->parents[j]);
    for (int j = 0; j < event->ground_count; j++)
        stand(v, i, event->grounds[j]);
    for (int c = 0; !event->is_op && c <= i; c++)
        for (int j = 0; (c == i || v->before[i][c]) && j < v->events[c].seen_count; j++)
            see(v, i, v->events[c].seen[j]);
}

void verdicts_add(struct verdicts *v)
{
    int i = v->count++;
    const struct verdicts_event *event = &v->events[i];
    bool is_held = true;
    memset(v->before[i], 0, sizeof v->before[i]);
    v->removes[i] = v->agrees[i] = v->grants[i] = false;
    find_before(v, i);
    for (int j = 0; j < event->parent_count; j++)
        is_held = is_held && v->held[event->parents[j]];
    for (int j = 0; j < event->ground_count; j++)
        is_held = is_held && v->held[event->grounds[j]];
    v->held[i] =
        is_held && (event->is_op ? judge_op(v, i, v->before[i]) : judge_change(v, i, v->before[i]));
    if (!v->held[i])
        v->removes[i] = v->agrees[i] = v->grants[i] = false;
}

enum entity_leave verdicts_judge(const struct verdicts *v, const bool *set, int i)
{
    if (!v->held[i])
        return ENTITY_NEVER;
    for (int j = 0; j < v->count; j++)
        if (set[j] && v->held[j] && v->events[j].type == ACT_VOID && v->events[j].voided == i)
            return ENTITY_HOLLOW;
    return judge_op(v, i, set) ? ENTITY_MAY : ENTITY_HOLLOW;
}

int verdicts_heads(const struct verdicts *v, const bool *view, bool is_op, int entity, int author,
                   int *heads)
{
    int count = 0;
    for (int i = 0; i < v->count && count < VERDICTS_LINKS_MAX; i++) {
        const struct verdicts_event *event = &v->events[i];
        if (!view[i] || event->is_op != is_op || (is_op && event->entity != entity) ||
            (author >= 0 && event->author != author))
            continue;
        bool is_head = true;
        for (int j = 0; j < v->count && is_head; j++)
            is_head = !(view[j] && v->events[j].is_op == is_op && v->before[j][i] &&
                        (author < 0 || v->events[j].author == author));
        if (is_head)
            heads[count++] = i;
    }
    return count;
}

int verdicts_time(const struct verdicts *v, const struct verdicts_event *event)
{
    int time = 0;
    for (int i = 0; i < event->parent_count; i++)
        if (v->events[event->parents[i]].time > time)
            time = v->events[event->parents[i]].time;
    for (int i = 0; i < event->ground_count; i++)
        if (v->events[event->grounds[i]].time > time)
            time = v->events[event->grounds[i]].time;
    return time;
}

void verdicts_shuffle(const struct verdicts *v, int *order)
{
    for (int i = 0; i < v->count; i++) {
        int at = (int)random_below((uint32_t)i + 1);
        order[i] = order[at];
        order[at] = i;
    }
}

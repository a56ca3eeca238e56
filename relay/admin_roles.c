/* Roles are labels: an item of the list of roles, its note the object that describes it; and one of
 * the list of members for each person who has it, "pubkey role". */
#include <stdlib.h>

#include "relay/admin_job.h"
#include "shared/hex.h"
#include "shared/number.h"
#include "shared/text.h"

enum { HUE_MAX = 360, PUBKEY_CHARS = 64 };

static const struct control_item *find_role(const struct admin_job *job, struct span id)
{
    return control_find(job->admin->setup.control, CONTROL_ROLE, id);
}

/* A number, or null where there is none. */
static bool add_number(struct text *out, struct span word, int64_t max, const char *what,
                       struct err *err)
{
    int64_t value;
    text_addf(out, ",\"%s\":", what);
    if (word.len == 0) {
        text_add(out, SPAN("null"));
        return true;
    }
    if (!number_decimal(&value, word) || value > max)
        return err_set(err, ERR_INVALID, "%s: expected a number from 0 to %lld", what,
                       (long long)max);
    text_addf(out, "%lld", (long long)value);
    return true;
}

static bool describe(struct text *out, const struct rpc *rpc, struct err *err)
{
    text_add(out, SPAN("{\"label\":"));
    text_add_json(out, rpc->params[1]);
    text_add(out, SPAN(",\"description\":"));
    text_add_json(out, rpc->params[2]);
    if (!add_number(out, rpc->params[3], HUE_MAX, "color", err) ||
        !add_number(out, rpc->params[4], INT32_MAX, "order", err))
        return false;
    text_add(out, SPAN("}"));
    return true;
}

static void put_role(struct admin_job *job, bool exists)
{
    struct control_item item = {.list = CONTROL_ROLE, .is_allowed = true};
    struct text note = {0};
    struct err err;
    if ((find_role(job, job->rpc.params[0]) != NULL) != exists) {
        admin_refuse(job, 400, exists ? "there is no such role" : "there is such a role already");
        return;
    }
    if (describe(&note, &job->rpc, &err)) {
        item.note = arena_copy(&job->arena, text_span(&note));
        admin_change(job, true, &item, job->rpc.params[0]);
    } else {
        admin_fail(job, 400, &err);
    }
    text_clear(&note);
}

void admin_create_role(struct admin_job *job)
{
    put_role(job, false);
}

void admin_edit_role(struct admin_job *job)
{
    put_role(job, true);
}

static struct span role_of(const struct control_item *member)
{
    return (struct span){member->name.at + PUBKEY_CHARS + 1, member->name.len - PUBKEY_CHARS - 1};
}

/* Members of a role, gathered: the lists may not change meanwhile. */
struct members {
    struct arena *arena;
    struct span role;
    struct span *names;
    size_t count;
};

static void gather_member(void *owner, const struct control_item *item)
{
    struct members *members = owner;
    if (!span_eq(role_of(item), members->role))
        return;
    members->names = arena_grow(members->arena, struct span, members->names, members->count);
    members->names[members->count++] = arena_copy(members->arena, item->name);
}

static struct members members_of(struct admin_job *job, struct span role)
{
    struct members members = {.arena = &job->arena, .role = role};
    control_each(job->admin->setup.control, CONTROL_MEMBER, gather_member, &members);
    return members;
}

static void on_unassigned(void *owner, enum control_result result)
{
    (void)owner; /* if it failed, so does what comes after it, and the job says so */
    (void)result;
}

/* Its members first: one made again under that name has none. */
void admin_delete_role(struct admin_job *job)
{
    struct control_item item = {.list = CONTROL_ROLE, .is_allowed = true};
    struct members members = members_of(job, job->rpc.params[0]);
    struct err err;
    for (size_t i = 0; i < members.count; i++) {
        const struct control_item member = {
            .list = CONTROL_MEMBER, .is_allowed = true, .name = members.names[i]};
        if (!control_db_drop(job->admin->setup.control_db, &member, on_unassigned, NULL, &err)) {
            admin_fail(job, 503, &err);
            return;
        }
    }
    admin_change(job, false, &item, job->rpc.params[0]);
}

static void assign(struct admin_job *job, bool puts)
{
    struct control_item item = {.list = CONTROL_MEMBER, .is_allowed = true};
    struct text word = {0};
    if (puts && find_role(job, job->rpc.params[1]) == NULL) {
        admin_refuse(job, 400, "there is no such role");
        return;
    }
    text_add(&word, job->rpc.params[0]);
    text_add(&word, SPAN(" "));
    text_add(&word, job->rpc.params[1]);
    admin_change(job, puts, &item, text_span(&word));
    text_clear(&word);
}

void admin_assign_role(struct admin_job *job)
{
    assign(job, true);
}

void admin_unassign_role(struct admin_job *job)
{
    assign(job, false);
}

static int compare_spans(const void *a, const void *b)
{
    const struct span *left = a, *right = b;
    size_t len = left->len < right->len ? left->len : right->len;
    int order = memcmp(left->at, right->at, len);
    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

struct listing {
    struct admin_job *job;
    struct text text;
};

static void list_role(void *owner, const struct control_item *role)
{
    struct listing *listing = owner;
    struct members members = members_of(listing->job, role->name);
    if (members.count > 0)
        qsort(members.names, members.count, sizeof *members.names, compare_spans);
    text_add(&listing->text, listing->text.len > 1 ? SPAN(",{\"id\":") : SPAN("{\"id\":"));
    text_add_json(&listing->text, role->name);
    text_add(&listing->text, SPAN(","));
    text_add(&listing->text, (struct span){role->note.at + 1, role->note.len - 2});
    text_add(&listing->text, SPAN(",\"pubkeys\":["));
    for (size_t i = 0; i < members.count; i++) {
        text_add(&listing->text, i > 0 ? SPAN(",") : SPAN(""));
        text_add_json(&listing->text, (struct span){members.names[i].at, PUBKEY_CHARS});
    }
    text_add(&listing->text, SPAN("]}"));
}

void admin_list_roles(struct admin_job *job)
{
    struct listing listing = {.job = job};
    text_add(&listing.text, SPAN("["));
    control_each(job->admin->setup.control, CONTROL_ROLE, list_role, &listing);
    text_add(&listing.text, SPAN("]"));
    admin_finish(job, text_span(&listing.text));
    text_clear(&listing.text);
}

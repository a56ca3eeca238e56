#include <stdio.h>
#include <stdlib.h>

#include "relay/admin_job.h"
#include "relay/config.h"
#include "shared/hex.h"
#include "shared/scan.h"

enum verdict { BANNED, ALLOWED };

/* Most methods are one of these, over a list. */
enum action {
    ACTION_OWN,  /* run */
    ACTION_PUT,  /* the verdict is given */
    ACTION_DROP, /* and taken back */
    ACTION_LIST,
};

struct method {
    const char *name;
    enum action action;
    enum control_list list;
    enum verdict verdict;
    uint32_t params_min, params_max;
    void (*run)(struct admin_job *job); /* ACTION_OWN */
};

static void list_methods(struct admin_job *job);
static void allow_kind(struct admin_job *job);
static void change_name(struct admin_job *job);
static void change_description(struct admin_job *job);
static void change_icon(struct admin_job *job);
static void assign_method(struct admin_job *job);
static void unassign_method(struct admin_job *job);
static void list_assignees(struct admin_job *job);

/* In the order of the NIP; then what we add. */
static const struct method methods[] = {
    {.name = "supportedmethods", .run = list_methods},
    {"banpubkey", ACTION_PUT, CONTROL_PUBKEY, BANNED, 1, 2, NULL},
    {"unbanpubkey", ACTION_DROP, CONTROL_PUBKEY, BANNED, 1, 2, NULL},
    {"listbannedpubkeys", ACTION_LIST, CONTROL_PUBKEY, BANNED, 0, 0, NULL},
    {"allowpubkey", ACTION_PUT, CONTROL_PUBKEY, ALLOWED, 1, 2, NULL},
    {"unallowpubkey", ACTION_DROP, CONTROL_PUBKEY, ALLOWED, 1, 2, NULL},
    {"listallowedpubkeys", ACTION_LIST, CONTROL_PUBKEY, ALLOWED, 0, 0, NULL},
    {.name = "createrole", .params_min = 2, .params_max = 5, .run = admin_create_role},
    {.name = "editrole", .params_min = 2, .params_max = 5, .run = admin_edit_role},
    {.name = "deleterole", .params_min = 1, .params_max = 1, .run = admin_delete_role},
    {.name = "assignrole", .params_min = 2, .params_max = 2, .run = admin_assign_role},
    {.name = "unassignrole", .params_min = 2, .params_max = 2, .run = admin_unassign_role},
    {.name = "assignmethod", .params_min = 2, .params_max = 2, .run = assign_method},
    {.name = "unassignmethod", .params_min = 2, .params_max = 2, .run = unassign_method},
    {.name = "listmethodassignees", .run = list_assignees},
    {.name = "listeventsneedingmoderation", .run = admin_list_reports},
    {"allowevent", ACTION_PUT, CONTROL_EVENT, ALLOWED, 1, 2, NULL},
    {"unallowevent", ACTION_DROP, CONTROL_EVENT, ALLOWED, 1, 2, NULL},
    {"banevent", ACTION_PUT, CONTROL_EVENT, BANNED, 1, 2, NULL},
    {"unbanevent", ACTION_DROP, CONTROL_EVENT, BANNED, 1, 2, NULL},
    {"listbannedevents", ACTION_LIST, CONTROL_EVENT, BANNED, 0, 0, NULL},
    {"listallowedevents", ACTION_LIST, CONTROL_EVENT, ALLOWED, 0, 0, NULL},
    {.name = "changerelayname", .params_min = 1, .params_max = 1, .run = change_name},
    {.name = "changerelaydescription", .params_min = 1, .params_max = 1, .run = change_description},
    {.name = "changerelayicon", .params_min = 1, .params_max = 1, .run = change_icon},
    {.name = "allowkind", .params_min = 1, .params_max = 1, .run = allow_kind},
    {"disallowkind", ACTION_PUT, CONTROL_KIND, BANNED, 1, 1, NULL},
    {"listallowedkinds", ACTION_LIST, CONTROL_KIND, ALLOWED, 0, 0, NULL},
    {"listdisallowedkinds", ACTION_LIST, CONTROL_KIND, BANNED, 0, 0, NULL},
    {"blockip", ACTION_PUT, CONTROL_IP, BANNED, 1, 2, NULL},
    {"unblockip", ACTION_DROP, CONTROL_IP, BANNED, 1, 2, NULL},
    {"listblockedips", ACTION_LIST, CONTROL_IP, BANNED, 0, 0, NULL},
    {.name = "listroles", .run = admin_list_roles},
    {.name = "showstats", .run = admin_show_stats},
    {.name = "showconfig", .run = admin_show_config},
    {.name = "login", .run = admin_login},
    {.name = "logout", .run = admin_logout},
};

static const struct method *find_method(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (span_eq(name, (struct span){methods[i].name, strlen(methods[i].name)}))
            return &methods[i];
    return NULL;
}

static bool was_assigned(const struct control *control, const struct bytes32 *pubkey,
                         struct span method)
{
    char name[CONTROL_NAME_MAX + 1], hex[64];
    hex_encode(hex, pubkey->at, sizeof *pubkey);
    int len = snprintf(name, sizeof name, "%.64s %.*s", hex, SPAN_ARG(method));
    return len <= CONTROL_NAME_MAX &&
           control_find(control, CONTROL_METHOD, (struct span){name, (size_t)len}) != NULL;
}

/* Anybody can make us ask this: the lists may be long, the methods are few. */
bool admin_knows(const struct admin *admin, const struct bytes32 *pubkey)
{
    const struct control *control = admin->setup.control;
    if (control_is_operator(control, pubkey))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct span name = {methods[i].name, strlen(methods[i].name)};
        if (was_assigned(control, pubkey, name))
            return true;
    }
    return false;
}

/* Who may call anything may know what, and have a session. */
static bool is_for_all(struct span method)
{
    return span_eq(method, SPAN("supportedmethods")) || span_eq(method, SPAN("login")) ||
           span_eq(method, SPAN("logout"));
}

bool admin_may_call(const struct admin *admin, const struct bytes32 *pubkey, struct span method)
{
    if (is_for_all(method))
        return admin_knows(admin, pubkey);
    return control_is_operator(admin->setup.control, pubkey) ||
           was_assigned(admin->setup.control, pubkey, method);
}

static void list_methods(struct admin_job *job)
{
    struct text text = {0};
    text_add(&text, SPAN("["));
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        struct span name = {methods[i].name, strlen(methods[i].name)};
        if (admin_may_call(job->admin, &job->caller, name))
            text_addf(&text, "%s\"%s\"", text.len > 1 ? "," : "", methods[i].name);
    }
    text_add(&text, SPAN("]"));
    admin_finish(job, text_span(&text));
    text_clear(&text);
}

/* What is being changed; in job->owned until it is. */
struct change {
    enum control_list list;
    bool purges;
    struct span name;
    char at[CONTROL_NAME_MAX];
    char admin[64];
};

static void on_changed(void *owner, enum control_result result)
{
    struct admin_job *job = owner;
    const struct change *change = job->owned;
    if (result != CONTROL_DONE)
        admin_refuse(job, 503, "the database is unavailable; try again");
    else if (change->purges)
        admin_purge(job->admin, change->list, change->name, job);
    else if (change->list == CONTROL_METHOD)
        admin_finish(job, SPAN("[true,\"\"]"));
    else
        admin_finish(job, SPAN("true"));
}

static bool check_change(const struct admin_job *job, const struct control_item *item,
                         struct err *err)
{
    struct bytes32 pubkey;
    if (item->note.len > CONTROL_NOTE_MAX)
        return err_set(err, ERR_INVALID, "more than %d bytes of text", CONTROL_NOTE_MAX);
    if (item->list == CONTROL_PUBKEY && !item->is_allowed &&
        hex_decode(pubkey.at, sizeof pubkey, item->name) &&
        control_is_operator(job->admin->setup.control, &pubkey))
        return err_set(err, ERR_INVALID, "an operator cannot be banned");
    return true;
}

void admin_change(struct admin_job *job, bool puts, struct control_item *item, struct span word)
{
    struct text name = {0};
    struct err err;
    if (!control_name(&name, item->list, word, &err)) {
        text_clear(&name);
        admin_fail(job, 400, &err);
        return;
    }
    struct change *own = calloc(1, sizeof *own);
    if (own == NULL)
        abort();
    job->owned = own;
    memcpy(own->at, name.at, name.len);
    own->name = item->name = (struct span){own->at, name.len};
    text_clear(&name);
    own->list = item->list;
    own->purges =
        puts && !item->is_allowed && (item->list == CONTROL_PUBKEY || item->list == CONTROL_EVENT);
    hex_encode(own->admin, job->caller.at, sizeof job->caller);
    item->admin = SPAN_OF(own->admin);
    item->at = job->now;
    if (!check_change(job, item, &err)) {
        admin_fail(job, 400, &err);
        return;
    }
    if (own->purges)
        admin_plan_purge(job->admin, item);
    struct control_db *control_db = job->admin->setup.control_db;
    if (!(puts ? control_db_put : control_db_drop)(control_db, item, on_changed, job, &err))
        admin_fail(job, 503, &err);
}

/* Lifting a ban must not be what begins a list that keeps everything else out. */
static void allow_kind(struct admin_job *job)
{
    struct span word = job->rpc.params[0];
    const struct control_item *known = control_find(job->admin->setup.control, CONTROL_KIND, word);
    bool is_banned = known != NULL && !known->is_allowed;
    struct control_item item = {.list = CONTROL_KIND, .is_allowed = !is_banned};
    admin_change(job, !is_banned, &item, word);
}

/* Empty: what the configuration says again. */
static void change_setting(struct admin_job *job, struct span name)
{
    struct control_item item = {
        .list = CONTROL_SETTING, .is_allowed = true, .note = job->rpc.params[0]};
    admin_change(job, item.note.len > 0, &item, name);
}

static void change_name(struct admin_job *job)
{
    change_setting(job, SPAN("name"));
}

static void change_description(struct admin_job *job)
{
    change_setting(job, SPAN("description"));
}

static void change_icon(struct admin_job *job)
{
    change_setting(job, SPAN("icon"));
}

static void assign(struct admin_job *job, bool puts)
{
    struct control_item item = {.list = CONTROL_METHOD, .is_allowed = true};
    struct span pubkey = job->rpc.params[0], method = job->rpc.params[1];
    struct text word = {0};
    if (find_method(method) == NULL) {
        admin_refuse(job, 400, "there is no such method to assign");
        return;
    }
    text_add(&word, pubkey);
    text_add(&word, SPAN(" "));
    text_add(&word, method);
    admin_change(job, puts, &item, text_span(&word));
    text_clear(&word);
}

static void assign_method(struct admin_job *job)
{
    assign(job, true);
}

static void unassign_method(struct admin_job *job)
{
    assign(job, false);
}

/* Items of a list, gathered to be sorted. */
struct gathered {
    struct arena *arena;
    bool is_allowed;
    const struct control_item **items;
    size_t count;
};

static void gather(void *owner, const struct control_item *item)
{
    struct gathered *gathered = owner;
    if (item->is_allowed != gathered->is_allowed)
        return;
    gathered->items =
        arena_grow(gathered->arena, const struct control_item *, gathered->items, gathered->count);
    gathered->items[gathered->count++] = item;
}

static int compare_names(const struct control_item *a, const struct control_item *b)
{
    size_t len = a->name.len < b->name.len ? a->name.len : b->name.len;
    int order = memcmp(a->name.at, b->name.at, len);
    return order != 0 ? order : (a->name.len > b->name.len) - (a->name.len < b->name.len);
}

static int compare_newest(const void *a, const void *b)
{
    const struct control_item *left = *(const struct control_item *const *)a;
    const struct control_item *right = *(const struct control_item *const *)b;
    if (left->at != right->at)
        return left->at > right->at ? -1 : 1;
    return compare_names(left, right);
}

static int compare_lexically(const void *a, const void *b)
{
    return compare_names(*(const struct control_item *const *)a,
                         *(const struct control_item *const *)b);
}

static struct gathered gather_list(struct admin_job *job, enum control_list list, bool is_allowed,
                                   int (*compare)(const void *, const void *))
{
    struct gathered gathered = {.arena = &job->arena, .is_allowed = is_allowed};
    control_each(job->admin->setup.control, list, gather, &gathered);
    if (gathered.count > 0)
        qsort(gathered.items, gathered.count, sizeof(struct control_item *), compare);
    return gathered;
}

static void add_item(struct text *out, const struct control_item *item)
{
    if (item->list == CONTROL_KIND) {
        text_add(out, item->name);
        return;
    }
    const char *key = item->list == CONTROL_PUBKEY ? "pubkey"
                      : item->list == CONTROL_IP   ? "ip"
                                                   : "id";
    text_addf(out, "{\"%s\":", key);
    text_add_json(out, item->name);
    text_add(out, SPAN(",\"reason\":"));
    text_add_json(out, item->note);
    text_addf(out, ",\"at\":%lld,\"by\":", (long long)item->at);
    text_add_json(out, item->admin);
    text_add(out, SPAN("}"));
}

static void list_items(struct admin_job *job, const struct method *method)
{
    struct text text = {0};
    struct gathered gathered =
        gather_list(job, method->list, method->verdict == ALLOWED, compare_newest);
    text_add(&text, SPAN("["));
    for (size_t i = 0; i < gathered.count; i++) {
        if (i > 0)
            text_add(&text, SPAN(","));
        add_item(&text, gathered.items[i]);
    }
    text_add(&text, SPAN("]"));
    admin_finish(job, text_span(&text));
    text_clear(&text);
}

/* "pubkey method", by pubkey. */
static void list_assignees(struct admin_job *job)
{
    struct text text = {0};
    struct span last = SPAN("");
    struct gathered gathered = gather_list(job, CONTROL_METHOD, true, compare_lexically);
    text_add(&text, SPAN("["));
    for (size_t i = 0; i < gathered.count; i++) {
        struct span method = gathered.items[i]->name;
        struct span pubkey = {method.at, 64};
        method = (struct span){method.at + 65, method.len - 65};
        if (span_eq(pubkey, last)) {
            text_add(&text, SPAN(","));
        } else {
            text_add(&text, i > 0 ? SPAN("]},{\"pubkey\":") : SPAN("{\"pubkey\":"));
            text_add_json(&text, pubkey);
            text_add(&text, SPAN(",\"methods\":["));
        }
        text_add_json(&text, method);
        last = pubkey;
    }
    text_add(&text, gathered.count > 0 ? SPAN("]}]") : SPAN("]"));
    admin_finish(job, text_span(&text));
    text_clear(&text);
}

static void run(struct admin_job *job, const struct method *method)
{
    struct control_item item = {
        .list = method->list, .is_allowed = method->verdict == ALLOWED, .note = job->rpc.params[1]};
    switch (method->action) {
    case ACTION_OWN:
        method->run(job);
        return;
    case ACTION_PUT:
    case ACTION_DROP:
        admin_change(job, method->action == ACTION_PUT, &item, job->rpc.params[0]);
        return;
    case ACTION_LIST:
        list_items(job, method);
        return;
    }
}

void admin_run(struct admin_job *job)
{
    const struct method *method = find_method(job->rpc.method);
    struct err err;
    if (method == NULL) {
        err_fill(&err, ERR_UNSUPPORTED, "there is no method '%.40s'",
                 scan_word(job->rpc.method).at);
        admin_fail(job, 400, &err);
        return;
    }
    if (!admin_may_call(job->admin, &job->caller, job->rpc.method)) {
        admin_refuse(job, 403, "this method was not assigned to you");
        return;
    }
    if (job->rpc.count < method->params_min || job->rpc.count > method->params_max) {
        err_fill(&err, ERR_INVALID, "%s takes %u to %u parameters", method->name,
                 method->params_min, method->params_max);
        admin_fail(job, 400, &err);
        return;
    }
    run(job, method);
}

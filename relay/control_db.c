#include "relay/control_db.h"

#include <stdlib.h>

#include "relay/control_sql.h"
#include "relay/db.h"
#include "relay/log.h"
#include "relay/param.h"
#include "relay/row.h"
#include "relay/schema.h"
#include "shared/err.h"

enum { CONTROL_ANSWER_MS_MAX = 15000 };

struct control_db {
    struct control_db_setup setup;
    struct db *db;
    char channel[CONTROL_CHANNEL_CHARS_MAX + 1];
    bool is_loaded;
};

/* An item that is being changed, or asked for again. */
struct change {
    struct control_db *control_db;
    control_done_fn *done; /* NULL: another process changed it */
    void *owner;
    enum control_list list;
    size_t name_len;
    char name[CONTROL_NAME_MAX];
};

static struct span text_of(const PGresult *result, int row, int column)
{
    return (struct span){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

static void put_rows(struct control *control, const PGresult *result)
{
    for (int row = 0; row < PQntuples(result); row++) {
        struct control_item item = {.is_allowed = row_int8(result, row, 2) == 1,
                                    .name = text_of(result, row, 1),
                                    .note = text_of(result, row, 3),
                                    .admin = text_of(result, row, 4),
                                    .at = row_int8(result, row, 5)};
        if (control_list_find(&item.list, text_of(result, row, 0)))
            control_put(control, &item);
    }
}

static void on_all(void *owner, const PGresult *result)
{
    struct control_db *control_db = owner;
    const struct control_db_setup *setup = &control_db->setup;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        if (result != NULL)
            log_error("control", "cannot read the lists: %s", db_error(result));
        return;
    }
    control_clear(setup->control);
    put_rows(setup->control, result);
    control_db->is_loaded = true;
    for (int list = 0; list < CONTROL_LIST_COUNT; list++)
        setup->on_changed(setup->owner, (enum control_list)list);
}

/* When nothing can be queued the connection is lost, and all is asked for once it is back; or so
 * much is queued that this comes after it. */
static void ask_all(struct control_db *control_db)
{
    const struct db_call call = {
        .statement = CONTROL_SQL_ALL, .reply = on_all, .owner = control_db};
    struct err err;
    if (!db_query(control_db->db, &call, &err))
        log_warning("control", "the lists are not read anew: %s", err.text);
}

static void finish(struct change *change, enum control_result result)
{
    if (change->done != NULL)
        change->done(change->owner, result);
    free(change);
}

static void on_one(void *owner, const PGresult *result)
{
    struct change *change = owner;
    const struct control_db_setup *setup = &change->control_db->setup;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        if (result != NULL)
            ask_all(change->control_db); /* what was missed must not stay so */
        finish(change, CONTROL_FAILED);
        return;
    }
    control_drop(setup->control, change->list, (struct span){change->name, change->name_len});
    put_rows(setup->control, result);
    setup->on_changed(setup->owner, change->list);
    finish(change, CONTROL_DONE);
}

static void add_text(struct param_list *params, struct span text)
{
    param_bytes(params, text.at == NULL ? SPAN("") : text);
}

static void add_item(struct param_list *params, enum control_list list, struct span name)
{
    const char *word = control_list_name(list);
    add_text(params, (struct span){word, strlen(word)});
    add_text(params, name);
}

static void ask_one(struct change *change)
{
    struct param_list params = {0};
    struct db_call call = {.statement = CONTROL_SQL_ONE, .reply = on_one, .owner = change};
    struct err err;
    add_item(&params, change->list, (struct span){change->name, change->name_len});
    param_call(&params, &call);
    if (!db_query(change->control_db->db, &call, &err))
        finish(change, CONTROL_FAILED);
    param_clear(&params);
}

static struct change *change_new(struct control_db *control_db, enum control_list list,
                                 struct span name)
{
    struct change *change = calloc(1, sizeof *change);
    if (change == NULL)
        abort();
    change->control_db = control_db;
    change->list = list;
    change->name_len = name.len;
    memcpy(change->name, name.at, name.len);
    return change;
}

/* "list item" */
static void on_notify(void *owner, const PGnotify *notify)
{
    struct control_db *control_db = owner;
    enum control_list list;
    const char *space = strchr(notify->extra, ' ');
    if (space == NULL ||
        !control_list_find(&list, (struct span){notify->extra, (size_t)(space - notify->extra)}) ||
        space[1] == '\0' || strlen(space + 1) > CONTROL_NAME_MAX)
        return; /* somebody else's */
    ask_one(change_new(control_db, list, (struct span){space + 1, strlen(space + 1)}));
}

static void on_state(void *owner, bool is_ready)
{
    if (is_ready)
        ask_all(owner);
}

struct control_db *control_db_new(uv_loop_t *loop, const struct control_db_setup *setup)
{
    struct control_db *control_db = calloc(1, sizeof *control_db);
    if (control_db == NULL)
        abort();
    control_db->setup = *setup;
    control_sql_channel(control_db->channel, setup->shard);
    const struct db_setup db_setup = {.conninfo = setup->shard->conninfo,
                                      .prepare = control_sql_prepare,
                                      .context = setup->shard,
                                      .on_state = on_state,
                                      .on_notify = on_notify,
                                      .owner = control_db,
                                      .answer_ms_max = CONTROL_ANSWER_MS_MAX};
    control_db->db = db_new(loop, &db_setup);
    return control_db;
}

void control_db_free(struct control_db *control_db)
{
    db_free(control_db->db);
    free(control_db);
}

bool control_db_is_loaded(const struct control_db *control_db)
{
    return control_db->is_loaded;
}

struct db *control_db_link(struct control_db *control_db)
{
    return control_db->db;
}

/* Committed: what the row is now is asked for as the others do. */
static void on_changed(void *owner, const PGresult *result)
{
    struct change *change = owner;
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        ask_one(change);
        return;
    }
    if (result != NULL)
        log_error("control", "cannot change: %s", db_error(result));
    finish(change, CONTROL_FAILED);
}

static bool send_change(struct control_db *control_db, struct param_list *params,
                        const char *statement, struct change *change, struct err *err)
{
    struct db_call call = {.statement = statement, .reply = on_changed, .owner = change};
    add_text(params, (struct span){control_db->channel, strlen(control_db->channel)});
    param_call(params, &call);
    bool is_sent = db_query(control_db->db, &call, err);
    param_clear(params);
    if (!is_sent)
        free(change);
    return is_sent;
}

static struct change *change_of(struct control_db *control_db, const struct control_item *item,
                                control_done_fn *done, void *owner)
{
    struct change *change = change_new(control_db, item->list, item->name);
    change->done = done;
    change->owner = owner;
    return change;
}

bool control_db_put(struct control_db *control_db, const struct control_item *item,
                    control_done_fn *done, void *owner, struct err *err)
{
    struct param_list params = {0};
    add_item(&params, item->list, item->name);
    param_int8(&params, item->is_allowed);
    add_text(&params, item->note);
    add_text(&params, item->admin);
    param_int8(&params, item->at);
    return send_change(control_db, &params, CONTROL_SQL_PUT,
                       change_of(control_db, item, done, owner), err);
}

bool control_db_drop(struct control_db *control_db, const struct control_item *item,
                     control_done_fn *done, void *owner, struct err *err)
{
    struct param_list params = {0};
    add_item(&params, item->list, item->name);
    param_int8(&params, item->is_allowed);
    return send_change(control_db, &params, CONTROL_SQL_DROP,
                       change_of(control_db, item, done, owner), err);
}

/* shoal sync push: operations of applications, made one's own. */
#include <stdio.h>

#include "client/catalog.h"
#include "client/command_pen.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/holder.h"
#include "client/operation.h"
#include "client/replica.h"
#include "client/sql.h"
#include "client/terminal_progress.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { INPUT_BYTES_MAX = 1 << 28, READ_BYTES = 1 << 16, HEX_CHARS = 64, REFUSED_SHOWN_MAX = 1000 };

struct push {
    struct command_call *call;
    struct pen pen; /* its holder comes when something is to be signed */
    enum command_status status;
    uint64_t accepted, known, refused;
    struct terminal_progress progress;
    struct text refusals;
    struct span input;
};

/* ---- what somebody signed ---- */

static bool take_event(struct push *push, const struct operation *operation, struct err *err)
{
    struct event event;
    enum store_verdict verdict;
    char id[HEX_CHARS];
    if (!event_parse(&event, &push->pen.arena, operation->event, err))
        return false;
    hex_encode(id, event.id.at, sizeof event.id.at);
    if (!span_eq(operation->id, SPAN_OF(id)))
        return err_set(err, ERR_INVALID, "id: not that of the event");
    if (!event_check_id(&event) || !sig_verify(&event.sig, &event.id, &event.pubkey))
        return err_set(err, ERR_INVALID, "the event is not as it was signed");
    if (!store_put(push->pen.store, &verdict, &event, NULL, 0, err))
        return false;
    if (verdict == STORE_EPHEMERAL)
        return err_set(err, ERR_INVALID, "an event that nobody keeps");
    push->accepted += verdict != STORE_DUPLICATE;
    push->known += verdict == STORE_DUPLICATE;
    return true;
}

/* ---- what nobody signed ---- */

static bool find_holder(struct push *push, struct err *err)
{
    if (push->pen.holder == NULL)
        push->pen.holder = command_find_holder(push->call, err);
    return push->pen.holder != NULL;
}

struct found {
    struct bytes32 id;
    bool is_there;
};

/* The lowest id, on which all devices agree. */
static bool on_found(void *owner, const struct catalog_event *event)
{
    struct found *found = owner;
    const struct bytes32 *id = event->has_root ? &event->root : &event->id;
    if (!found->is_there || memcmp(id, &found->id, sizeof *id) < 0)
        found->id = *id;
    found->is_there = true;
    return true;
}

/* What we signed under a name that somebody else gave. */
static bool find_name(struct push *push, struct found *found, struct span name, struct err *err)
{
    const struct filter_tag tag = {.letter = 'i', .count = 1, .values = &name};
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .authors = {.count = 1, .at = pen_me(&push->pen)},
                                  .tag_count = 1,
                                  .tags = &tag};
    *found = (struct found){0};
    return catalog_each(push->pen.store, &filter, on_found, found, err);
}

static struct span make_name(struct push *push, const char *what, struct span id)
{
    struct text name = {0};
    text_addf(&name, "shoal:%s:", what);
    text_add(&name, id);
    struct span copy = arena_copy(&push->pen.arena, text_span(&name));
    text_clear(&name);
    return copy;
}

/* The entity: by its name elsewhere, or as one of ours. */
static bool find_entity(struct push *push, struct found *found, const struct operation *operation,
                        struct span name, struct err *err)
{
    struct catalog_entity entity;
    if (!find_name(push, found, name, err))
        return false;
    if (found->is_there || operation->entity_id.len != HEX_CHARS ||
        !hex_decode(found->id.at, sizeof found->id.at, operation->entity_id))
        return true;
    if (!catalog_entity(push->pen.store, &entity, &push->pen.arena, &found->id, err))
        return false;
    found->is_there = entity.has_root;
    return true;
}

/* As it was at that time, so that what was written since stays the later word; where it was not
 * there yet, as it is. */
static bool load(struct push *push, struct pen_change *change, const struct bytes32 *root,
                 const struct operation *operation, struct err *err)
{
    uint64_t ms = hlc_ms(operation->hlc);
    push->pen.now_ms = ms > HLC_AHEAD_MAX_MS ? ms - HLC_AHEAD_MAX_MS : 0;
    if (pen_load(&push->pen, change, root, NULL))
        return true;
    pen_clear(change);
    push->pen.now_ms = home_now();
    return pen_load(&push->pen, change, root, err);
}

static bool begin(struct push *push, struct pen_change *change, const struct found *entity,
                  const struct operation *operation, struct err *err)
{
    if (entity->is_there) {
        if (!load(push, change, &entity->id, operation, err))
            return false;
    } else {
        if (span_eq(operation->entity_type, SPAN("circle")))
            return err_set(err, ERR_INVALID, "a circle is made by shoal circle new");
        push->pen.now_ms = 0;
        if (!pen_create(&push->pen, change, operation->entity_type, err))
            return false;
        change->is_private = command_value(push->call, "public") == NULL;
    }
    if (change->node.hlc < operation->hlc) /* else it comes right behind what it changes */
        change->node.hlc = operation->hlc;
    return true;
}

static bool add_ops(struct push *push, struct pen_change *change, const struct operation *operation,
                    struct err *err)
{
    struct operation_field *fields;
    size_t count;
    if (!operation_fields(operation, &fields, &count, &push->pen.arena, err))
        return false;
    if (count + 2 > OP_COUNT_MAX)
        return err_set(err, ERR_INVALID, "payload: over %d fields", OP_COUNT_MAX - 2);
    for (size_t i = 0; i < count; i++) {
        bool is_gone = span_eq(fields[i].json, SPAN("null"));
        pen_op(&push->pen, change, is_gone ? OP_DEL : OP_SET, fields[i].key)->value =
            fields[i].json;
    }
    bool is_mark = operation->act == OPERATION_DELETE || operation->act == OPERATION_RESTORE;
    if (is_mark)
        pen_op(&push->pen, change, OP_SET, SPAN(OP_DELETED))->value =
            operation->act == OPERATION_DELETE ? SPAN("true") : SPAN("false");
    return change->op_count > 0 || err_set(err, ERR_INVALID, "payload: it changes nothing");
}

static bool sign_operation(struct push *push, const struct operation *operation, struct err *err)
{
    const struct span names[] = {make_name(push, "operation", operation->id),
                                 make_name(push, "entity", operation->entity_id)};
    struct pen_change change = {0};
    struct found entity, same;
    struct event event;
    if (!find_name(push, &same, names[0], err))
        return false;
    if (same.is_there) {
        push->known++;
        return true;
    }
    bool ok = find_entity(push, &entity, operation, names[1], err) &&
              begin(push, &change, &entity, operation, err);
    change.names = names;
    change.name_count = entity.is_there ? 1 : 2;
    ok = ok && add_ops(push, &change, operation, err) &&
         pen_finish(&push->pen, &change, &event, err);
    pen_clear(&change);
    push->accepted += ok;
    return ok;
}

/* ---- operations one by one ---- */

static void refuse(struct push *push, struct span id, const struct err *why)
{
    if (push->refused++ >= REFUSED_SHOWN_MAX)
        return;
    text_add(&push->refusals, push->refusals.len > 0 ? SPAN(",{\"id\":") : SPAN("{\"id\":"));
    text_add_json(&push->refusals, id);
    text_add(&push->refusals, SPAN(",\"reason\":"));
    text_add_json(&push->refusals, command_span(why->text));
    text_add(&push->refusals, SPAN("}"));
}

static bool take_operation(struct push *push, const struct operation *operation, struct err *err)
{
    if (operation->event.len > 0)
        return take_event(push, operation, err);
    if (hlc_is_ahead(operation->hlc, home_now()))
        return err_set(err, ERR_INVALID, "hlcTimestamp: it is ahead of the clock here");
    return sign_operation(push, operation, err);
}

/* False when no other could be taken, either. Of one that is refused nothing stays. */
static bool take(struct push *push, struct span json, struct err *err)
{
    struct sql *sql = store_sql(push->pen.store);
    struct operation operation;
    struct err why;
    bool is_read = operation_parse(&operation, &push->pen.arena, json, &why);
    if (is_read && operation.event.len == 0 && !find_holder(push, err))
        return false;
    if (!sql_script(sql, "SAVEPOINT operation", err))
        return false;
    if (!is_read || !take_operation(push, &operation, &why)) {
        if (why.code == ERR_INTERNAL) {
            *err = why;
            return false;
        }
        refuse(push, operation.id, &why);
        if (!sql_script(sql, "ROLLBACK TO operation", err))
            return false;
    }
    return sql_script(sql, "RELEASE operation", err);
}

static void show(struct push *push, size_t read)
{
    uint64_t taken = push->accepted + push->known + push->refused;
    terminal_progress_show(&push->progress, read, push->input.len, "%llu operations",
                           (unsigned long long)taken);
}

static bool take_list(struct push *push, struct scan *scan, struct err *err)
{
    struct scan_list list;
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more) {
        scan_peek(scan);
        const char *at = scan->at;
        show(push, (size_t)(at - push->input.at));
        if (!scan_skip(scan, err) || !take(push, (struct span){at, (size_t)(scan->at - at)}, err) ||
            !scan_next(scan, &list, err))
            return false;
    }
    return true;
}

/* A list of operations, or an object that has one. */
static bool take_value(struct push *push, struct scan *scan, struct err *err)
{
    struct scan_list list;
    struct span key;
    bool has_any = false;
    if (scan_peek(scan) == '[')
        return take_list(push, scan, err);
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(scan, &push->pen.arena, &key, err))
            return false;
        bool is_it = span_eq(key, SPAN("operations"));
        has_any = has_any || is_it;
        if (!(is_it ? take_list(push, scan, err) : scan_skip(scan, err)) ||
            !scan_next(scan, &list, err))
            return false;
    }
    return has_any || err_set(err, ERR_INVALID, "expected operations");
}

static bool read_input(struct text *out, const struct command_call *call, struct err *err)
{
    const char *path = call->word_count > 0 ? call->words[0] : "-";
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    size_t got = 1;
    if (file == NULL)
        return err_set(err, ERR_INTERNAL, "cannot open %.80s", path);
    while (got > 0 && out->len <= INPUT_BYTES_MAX) {
        got = fread(text_reserve(out, READ_BYTES), 1, READ_BYTES, file);
        out->len += got;
    }
    bool is_broken = ferror(file) != 0;
    if (file != stdin)
        fclose(file);
    if (is_broken)
        return err_set(err, ERR_INTERNAL, "cannot read on");
    return out->len <= INPUT_BYTES_MAX ||
           err_set(err, ERR_INVALID, "over %d bytes at once", INPUT_BYTES_MAX);
}

static bool take_all(struct push *push, struct err *err)
{
    struct text input = {0};
    bool ok = read_input(&input, push->call, err);
    push->input = text_span(&input);
    push->progress = terminal_progress();
    struct scan scan = scan_begin(push->input);
    while (ok && scan_peek(&scan) != '\0')
        ok = take_value(push, &scan, err);
    ok = ok && scan_end(&scan, err);
    terminal_progress_clear(&push->progress);
    text_clear(&input);
    return ok;
}

/* ---- shoal sync push ---- */

static enum command_status report(struct push *push)
{
    struct text out = {0};
    bool is_json = push->call->is_json;
    text_addf(&out,
              is_json ? "{\"accepted\":%llu,\"duplicates\":%llu,\"rejected\":["
                      : "%llu taken, %llu known before, %.0s",
              (unsigned long long)push->accepted, (unsigned long long)push->known, "");
    if (is_json)
        text_add(&out, text_span(&push->refusals));
    else
        text_addf(&out, "%llu refused", (unsigned long long)push->refused);
    text_addf(&out, is_json ? "]%s}\n" : "%.0s\n",
              command_value(push->call, "dry-run") != NULL ? ",\"dry_run\":true" : "");
    enum command_status status = command_print(push->call, &out);
    if (status != COMMAND_DONE || push->refused == 0)
        return status;
    return push->accepted + push->known > 0 ? COMMAND_PARTLY : COMMAND_FAILED;
}

static enum command_status run(struct command_call *call)
{
    struct push push = {.call = call, .pen = {.call = call, .now_ms = home_now()}};
    struct span *relays = NULL;
    struct err err;
    enum command_status status;
    push.pen.store = home_open(call, &status);
    if (push.pen.store == NULL)
        return status;
    bool ok =
        store_begin(push.pen.store, &err) &&
        home_relays(push.pen.store, &relays, &push.pen.relay_count, &push.pen.arena, call, &err);
    push.pen.relays = relays;
    push.pen.has_named_relays = command_value(call, "relay") != NULL;
    ok = ok && take_all(&push, &err) && home_commit(push.pen.store, call, &err);
    status = ok ? report(&push) : command_fail(call, &err);
    text_clear(&push.refusals);
    store_close(push.pen.store);
    holder_free(push.pen.holder);
    arena_clear(&push.pen.arena);
    return status;
}

static void describe(struct text *out)
{
    text_add(
        out,
        SPAN("Reads pages as shoal sync pull writes them: objects with operations, or lists of "
             "them.\nAn operation whose payload holds as _event what somebody signed is "
             "that event, and is kept\nas it is. Any other is foreign: it becomes an event "
             "of your own, signed with your key, with\nits hlcTimestamp, and with its id and "
             "entityId in \"i\" tags by which it is known again: to push\nit twice does "
             "nothing more. Its vectorClock is not believed: what it comes after follows "
             "from\nits time. entityId may also be the id of a thing that is here. create, "
             "update, delete and restore\nare known; the members of a payload become fields, "
             "and null takes one away. What becomes yours\nstays on this device unless "
             "--public or --relay says otherwise. All is one transaction; an\noperation that "
             "is refused is told of, and the others count.\n"));
}

static const struct command_option options[] = {
    {"public", NULL, "what is not signed yet is for everybody; else only --relay lets it leave"},
    PEN_OPTIONS};

const struct command command_sync_push = {
    .name = "sync push",
    .words = "[FILE] or < OPERATIONS",
    .help = "take in operations of a sync format, from other applications",
    .words_max = 1,
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
    .more = describe};

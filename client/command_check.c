/* shoal status, fsck: how the store is. */
#include <stdio.h>

#include "client/catalog.h"
#include "client/catalog_watch.h"
#include "client/command_home.h"
#include "client/hlc.h"
#include "client/outbox.h"
#include "client/terminal_progress.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { BAD_SHOWN_MAX = 10 };

static void add_count(struct text *out, const struct command_call *call, const char *name,
                      uint64_t value)
{
    if (call->is_json)
        text_addf(out, "%s\"%s\":%llu", out->len == 0 ? "{" : ",", name, (unsigned long long)value);
    else
        text_addf(out, "%-16s%llu\n", name, (unsigned long long)value);
}

static void add_word(struct text *out, const struct command_call *call, const char *name,
                     struct span value)
{
    if (call->is_json) {
        text_addf(out, "%s\"%s\":", out->len == 0 ? "{" : ",", name);
        text_add_json(out, value);
    } else {
        text_addf(out, "%-16s%.*s\n", name, SPAN_ARG(value));
    }
}

/* Of each device of each person how many of its events there were, and how many are here. */
static void add_clock(struct text *out, const struct command_call *call,
                      const struct catalog_writers *writers)
{
    if (call->is_json)
        text_add(out, SPAN(",\"clock\":["));
    for (size_t i = 0; i < writers->count; i++) {
        const struct catalog_writer *writer = &writers->at[i];
        if (call->is_json) {
            text_add(out, i > 0 ? SPAN(",{") : SPAN("{"));
            home_write_hex(out, "author", &writer->author);
            text_add(out, SPAN(",\"device\":\""));
            hlc_write(out, writer->device);
            text_addf(out, "\",\"seq\":%llu,\"events\":%llu}", (unsigned long long)writer->seq,
                      (unsigned long long)writer->events);
        } else {
            text_add(out, SPAN("clock           "));
            text_add_hex(out, writer->author.at, 4);
            text_add(out, SPAN(" on "));
            hlc_write(out, writer->device);
            text_addf(out, "  %llu, %llu of them here\n", (unsigned long long)writer->seq,
                      (unsigned long long)writer->events);
        }
    }
    text_add(out, call->is_json ? SPAN("]}\n") : SPAN(""));
}

static bool write_status(struct text *out, const struct command_call *call, struct store *store,
                         struct arena *arena, struct err *err)
{
    char folder[STORE_PATH_MAX];
    struct text device = {0};
    struct catalog_counts counts;
    struct catalog_writers writers;
    uint64_t queued, refused;
    if (!store_folder(folder, command_value(call, "home"), err) ||
        !catalog_counts(store, &counts, err) || !catalog_writers(store, &writers, arena, err) ||
        !outbox_count(store, &queued, &refused, err))
        return false;
    hlc_write(&device, store_device(store));
    add_word(out, call, "store", command_span(folder));
    add_word(out, call, "device", text_span(&device));
    add_count(out, call, "events", counts.events);
    add_count(out, call, "entities", counts.entities);
    add_count(out, call, "waiting", counts.waiting);
    add_count(out, call, "missing", counts.missing);
    add_count(out, call, "quarantined", counts.quarantined);
    add_count(out, call, "locked", counts.locked);
    add_count(out, call, "redacted", counts.redacted);
    add_count(out, call, "idle", counts.idle);
    add_count(out, call, "queued", queued);
    add_count(out, call, "refused", refused);
    add_clock(out, call, &writers);
    text_clear(&device);
    return true;
}

static enum command_status run_status(struct command_call *call)
{
    struct arena arena = {0};
    struct text out = {0};
    struct err err;
    enum command_status status;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    if (write_status(&out, call, store, &arena, &err))
        status = command_print(call, &out);
    else
        status = command_fail(call, &err);
    text_clear(&out);
    store_close(store);
    arena_clear(&arena);
    return status;
}

struct audit {
    struct text *words;
    uint64_t events, bad, all;
    struct terminal_progress progress;
};

/* While all is made anew. */
static void on_rebuilt(void *owner, uint64_t done, uint64_t all)
{
    terminal_progress_show(owner, done, all, "%llu of %llu events taken in again",
                           (unsigned long long)done, (unsigned long long)all);
}

/* Whether an event is still what its author signed. */
static bool on_event(void *owner, const struct bytes32 *id, struct span json)
{
    struct audit *audit = owner;
    struct arena arena = {0};
    struct event event;
    audit->events++;
    terminal_progress_show(&audit->progress, audit->events, audit->all,
                           "%llu of %llu events checked", (unsigned long long)audit->events,
                           (unsigned long long)audit->all);
    bool ok = event_parse(&event, &arena, json, NULL) && event_check_id(&event) &&
              memcmp(&event.id, id, sizeof *id) == 0 &&
              sig_verify(&event.sig, &event.id, &event.pubkey);
    if (!ok && audit->bad++ < BAD_SHOWN_MAX) {
        text_add(audit->words, SPAN("event "));
        text_add_hex(audit->words, id->at, sizeof id->at);
        text_add(audit->words, SPAN(" is not as it was signed\n"));
    }
    arena_clear(&arena);
    return true;
}

static bool check(struct store *store, const struct command_call *call, struct audit *audit,
                  bool *is_equal, struct err *err)
{
    bool is_kept = command_value(call, "rebuild") != NULL && command_value(call, "dry-run") == NULL;
    struct catalog_counts counts = {0};
    audit->progress = terminal_progress();
    bool ok = store_check(store, audit->words, err);
    if (ok && audit->progress.is_seen && catalog_counts(store, &counts, NULL))
        audit->all = counts.events;
    ok = ok && store_each(store, on_event, audit, err);
    audit->progress.drawn_ms = 0; /* the next is another matter */
    catalog_watch(store, on_rebuilt, &audit->progress);
    ok = ok && catalog_rebuild(store, is_equal, is_kept, err);
    catalog_watch(store, NULL, NULL);
    terminal_progress_clear(&audit->progress);
    return ok;
}

/* True when there is a store, and SQLite finds it whole. */
static bool is_whole(const char *folder, struct err *err)
{
    struct text words = {0};
    struct store *store = store_open(folder, home_now(), err);
    bool ok = store != NULL && store_check(store, &words, err);
    if (ok && words.len > 0)
        ok = err_set(err, ERR_INVALID, "the store is damaged");
    text_clear(&words);
    store_close(store);
    return ok;
}

/* What is damaged is replaced by what can be read of it, for --rebuild. */
static enum command_status save(const struct command_call *call)
{
    char folder[STORE_PATH_MAX];
    struct err err = {.text = ""};
    uint64_t saved;
    if (command_value(call, "rebuild") == NULL || command_value(call, "dry-run") != NULL)
        return COMMAND_DONE;
    if (!store_folder(folder, command_value(call, "home"), &err))
        return command_fail(call, &err);
    if (is_whole(folder, &err) || err.code != ERR_INVALID)
        return COMMAND_DONE; /* what else is wrong is told when it is opened */
    if (!store_salvage(folder, home_now(), &saved, &err))
        return command_fail(call, &err);
    fprintf(stderr,
            "shoal fsck: the store was damaged: %llu events were saved, the damaged file is kept "
            "beside it\nshoal fsck: sync fetches what is missing from your relays\n",
            (unsigned long long)saved);
    return COMMAND_DONE;
}

static enum command_status run_fsck(struct command_call *call)
{
    struct text out = {0}, words = {0};
    struct audit audit = {.words = &words};
    struct bytes32 hash;
    struct err err;
    bool is_equal;
    enum command_status status = save(call);
    struct store *store = status == COMMAND_DONE ? home_open(call, &status) : NULL;
    if (store == NULL)
        return status;
    if (!check(store, call, &audit, &is_equal, &err) || !catalog_hash(store, &hash, &err)) {
        status = command_fail(call, &err);
    } else {
        struct text hex = {0};
        bool is_rebuilt = command_value(call, "rebuild") != NULL && !is_equal;
        text_add_hex(&hex, hash.at, sizeof hash.at);
        add_count(&out, call, "events", audit.events);
        add_count(&out, call, "bad", audit.bad);
        add_word(&out, call, "catalog",
                 is_equal     ? SPAN("right")
                 : is_rebuilt ? SPAN("rebuilt")
                              : SPAN("wrong"));
        add_word(&out, call, "hash", text_span(&hex));
        text_add(&out, call->is_json ? SPAN("}\n") : SPAN(""));
        text_clear(&hex);
        status = command_print(call, &out);
        if (words.len > 0 || !(is_equal || is_rebuilt))
            status = COMMAND_FAILED;
        fprintf(stderr, "%.*s", SPAN_ARG(text_span(&words)));
    }
    text_clear(&out);
    text_clear(&words);
    store_close(store);
    return status;
}

static const struct command_option options_look[] = {HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_store_status = {.name = "status",
                                             .help =
                                                 "count what is here, what waits, and who wrote",
                                             .options = options_look,
                                             .option_count = ARRAY_LEN(options_look),
                                             .run = run_status};

static const struct command_option options_fsck[] = {
    {"rebuild", NULL, "make all that follows from the events anew"},
    HOME_OPTION_DRY_RUN,
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_fsck = {.name = "fsck",
                                     .help = "check every event, and all that follows from them",
                                     .options = options_fsck,
                                     .option_count = ARRAY_LEN(options_fsck),
                                     .run = run_fsck};

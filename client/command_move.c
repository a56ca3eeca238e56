/* shoal import, export: events in and out of the store, one a line. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/catalog.h"
#include "client/catalog_circle.h"
#include "client/catalog_redacted.h"
#include "client/command_home.h"
#include "client/terminal_progress.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { BATCH = 500, INVALID = STORE_EPHEMERAL + 1, COUNTS, FLUSH_BYTES = 1 << 16 };

struct import {
    const struct command_call *call;
    struct store *store;
    struct arena arena; /* of the relays' names */
    struct span *relays;
    size_t relay_count, line, in_batch;
    struct terminal_progress progress;
    struct stub {
        struct event event;
        size_t line;
    } * stubs; /* left of events that were taken back */
    size_t stub_count;
    uint64_t taken, read_bytes, all_bytes; /* of all files; all_bytes 0: nobody knows */
    uint64_t counts[COUNTS];               /* by verdict */
};

static bool check(struct event *event, struct arena *arena, struct span line, struct err *err)
{
    if (!event_parse(event, arena, line, err))
        return false;
    if (!event_check_id(event))
        return err_set(err, ERR_INVALID, "the id is not the hash of the event");
    if (!sig_verify(&event->sig, &event->id, &event->pubkey))
        return err_set(err, ERR_INVALID, "the signature is wrong");
    return true;
}

/* What may be left of an event that its author took back; whether he did is known in the end. */
static bool keep_stub(struct import *import, struct span line)
{
    struct event event;
    if (memmem(line.at, line.len, "\"content\":\"\"", strlen("\"content\":\"\"")) == NULL ||
        !event_parse(&event, &import->arena, arena_copy(&import->arena, line), NULL) ||
        event.content_json.len > 0 || event_check_id(&event) ||
        !sig_verify(&event.sig, &event.id, &event.pubkey))
        return false;
    import->stubs = arena_grow(&import->arena, struct stub, import->stubs, import->stub_count);
    import->stubs[import->stub_count++] = (struct stub){event, import->line};
    return true;
}

static bool take_stubs(struct import *import, struct err *err)
{
    for (size_t i = 0; i < import->stub_count; i++) {
        const struct stub *stub = &import->stubs[i];
        bool has, is_it;
        if (!store_has(import->store, &has, &stub->event.id, err) ||
            !catalog_is_taken_back(import->store, &is_it, &stub->event, err) ||
            (is_it && !has && !store_put_stub(import->store, &stub->event, err)))
            return false;
        if (!is_it)
            fprintf(stderr, "shoal import: line %zu: the id is not the hash of the event\n",
                    stub->line);
        import->counts[!is_it ? INVALID : has ? STORE_DUPLICATE : STORE_NEW]++;
    }
    return true;
}

/* False when the store fails; a line that is no event is passed over, and told of. */
static bool take_line(struct import *import, struct span line, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    struct err refusal;
    enum store_verdict verdict;
    bool ok = true;
    import->line++;
    if (keep_stub(import, line)) {
        ok = true;
    } else if (!check(&event, &arena, line, &refusal)) {
        terminal_progress_clear(&import->progress);
        fprintf(stderr, "shoal import: line %zu: %s\n", import->line, refusal.text);
        import->counts[INVALID]++;
    } else {
        ok = store_put(import->store, &verdict, &event, import->relays, import->relay_count, err);
        if (ok)
            import->counts[verdict]++;
    }
    arena_clear(&arena);
    return ok;
}

static void show(struct import *import, size_t bytes)
{
    import->read_bytes += bytes;
    terminal_progress_show(&import->progress, import->read_bytes, import->all_bytes, "%llu events",
                           (unsigned long long)++import->taken);
}

/* What is not read from a file has no size. */
static uint64_t size_of(const char *path)
{
    struct stat status;
    bool is_file =
        strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &status) == 0 : stat(path, &status) == 0;
    return is_file && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
}

/* So many at a time are one transaction; a dry run is one as a whole. */
static bool turn_batch(struct import *import, struct err *err)
{
    if (++import->in_batch < BATCH || command_value(import->call, "dry-run") != NULL)
        return true;
    import->in_batch = 0;
    return store_commit(import->store, err) && store_begin(import->store, err);
}

static bool take_lines(struct import *import, FILE *file, struct err *err)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    bool ok = true;
    while (ok && (len = getline(&line, &capacity, file)) > 0) {
        show(import, (size_t)len);
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            len--;
        if (len > 0)
            ok =
                take_line(import, (struct span){line, (size_t)len}, err) && turn_batch(import, err);
    }
    if (ok && ferror(file))
        ok = err_set(err, ERR_INTERNAL, "cannot read on");
    free(line);
    return ok;
}

static bool take_files(struct import *import, struct err *err)
{
    const struct command_call *call = import->call;
    import->progress = terminal_progress();
    import->all_bytes = call->word_count == 0 ? size_of("-") : 0;
    for (size_t i = 0; i < call->word_count; i++)
        import->all_bytes += size_of(call->words[i]);
    bool ok = call->word_count > 0 || take_lines(import, stdin, err);
    for (size_t i = 0; ok && i < call->word_count; i++) {
        bool is_stdin = strcmp(call->words[i], "-") == 0;
        FILE *file = is_stdin ? stdin : fopen(call->words[i], "re");
        if (file == NULL)
            return err_set(err, ERR_INTERNAL, "cannot open %.80s", call->words[i]);
        import->line = 0;
        ok = take_lines(import, file, err);
        if (!is_stdin)
            fclose(file);
    }
    terminal_progress_clear(&import->progress);
    return ok && take_stubs(import, err);
}

static enum command_status report(const struct import *import)
{
    static const char *const names[] = {[STORE_NEW] = "new",
                                        [STORE_DUPLICATE] = "duplicate",
                                        [STORE_QUARANTINED] = "quarantined",
                                        [STORE_EPHEMERAL] = "ephemeral",
                                        [INVALID] = "invalid"};
    struct text out = {0};
    bool is_json = import->call->is_json;
    for (size_t i = 0; i < COUNTS; i++)
        text_addf(&out, is_json ? "%s\"%s\":%llu" : "%.0s%-12s%llu\n", i == 0 ? "{" : ",", names[i],
                  (unsigned long long)import->counts[i]);
    if (is_json)
        text_addf(&out, "%s}\n",
                  command_value(import->call, "dry-run") != NULL ? ",\"dry_run\":true" : "");
    enum command_status status = command_print(import->call, &out);
    return import->counts[INVALID] > 0 ? COMMAND_FAILED : status;
}

static enum command_status run_import(struct command_call *call)
{
    struct import import = {.call = call};
    struct err err;
    enum command_status status;
    const char *url;
    size_t place = 0;
    import.store = home_open(call, &status);
    if (import.store == NULL)
        return status;
    while ((url = command_next_value(call, "relay", &place)) != NULL) {
        import.relays = arena_grow(&import.arena, struct span, import.relays, import.relay_count);
        import.relays[import.relay_count++] = command_span(url);
    }
    bool ok = store_begin(import.store, &err) && take_files(&import, &err) &&
              home_commit(import.store, call, &err) && catalog_settle(import.store, &err);
    status = ok ? report(&import) : command_fail(call, &err);
    store_close(import.store);
    arena_clear(&import.arena);
    return status;
}

struct export
{
    const struct command_call *call;
    struct store *store;
    struct text out;
    enum command_status status;
};

static bool write_line(struct export *export, struct span json)
{
    text_add(&export->out, json);
    text_add(&export->out, SPAN("\n"));
    if (export->out.len >= FLUSH_BYTES)
        export->status = command_print(export->call, &export->out);
    return export->status == COMMAND_DONE;
}

/* What is told sealed is exported so, too. */
static bool on_each(void *owner, const struct bytes32 *id, struct span json)
{
    struct export *export = owner;
    struct err err;
    bool is_withheld;
    if (!catalog_is_withheld(export->store, &is_withheld, id, &err)) {
        export->status = command_fail(export->call, &err);
        return false;
    }
    return is_withheld || write_line(export, json);
}

static bool on_match(void *owner, const struct catalog_event *event)
{
    return event->is_withheld || write_line(owner, event->json);
}

static enum command_status run_export(struct command_call *call)
{
    struct export export = {.call = call};
    struct arena arena = {0};
    struct filter filter;
    struct err err;
    bool is_all = call->word_count == 0;
    if (!is_all && !filter_parse(&filter, &arena, command_span(call->words[0]), &err)) {
        arena_clear(&arena);
        return command_misuse(call, "%s", err.text);
    }
    struct store *store = home_open(call, &export.status);
    export.store = store;
    if (store != NULL) {
        bool ok = is_all ? catalog_settle(store, &err) && /* what was taken back is gone */
                               store_each(store, on_each, &export, &err) &&
                               (command_value(call, "redacted") == NULL ||
                                catalog_each_redacted(store, on_each, &export, &err))
                         : catalog_each(store, &filter, on_match, &export, &err);
        if (!ok)
            export.status = command_fail(call, &err);
        else if (export.status == COMMAND_DONE)
            export.status = command_print(call, &export.out);
    }
    text_clear(&export.out);
    store_close(store);
    arena_clear(&arena);
    return export.status;
}

static const struct command_option options_import[] = {
    {"relay", "URL", "queue them for this relay; may be repeated"},
    HOME_OPTION_DRY_RUN,
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_import = {.name = "import",
                                       .words = "[FILE]... or < EVENTS",
                                       .help = "keep events, one a line; those that are here stay",
                                       .words_max = COMMAND_WORDS_MAX,
                                       .options = options_import,
                                       .option_count = ARRAY_LEN(options_import),
                                       .run = run_import};

static const struct command_option options_export[] = {
    {"redacted", NULL, "with what is left of those that were taken back, which shoal import knows"},
    HOME_OPTION};

const struct command command_export = {
    .name = "export",
    .words = "[FILTER]",
    .help = "write all events, or those of a NIP-01 filter, one a line",
    .words_max = 1,
    .options = options_export,
    .option_count = ARRAY_LEN(options_export),
    .run = run_export};

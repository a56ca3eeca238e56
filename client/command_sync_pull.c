/* shoal sync pull: the log as operations, for applications that speak that. */
#include <stdio.h>

#include "client/catalog_clock.h"
#include "client/command_home.h"
#include "client/hlc.h"
#include "client/node.h"
#include "client/operation.h"
#include "client/terminal.h"
#include "client/terminal_progress.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/number.h"
#include "shared/text.h"

enum {
    PULL_DEFAULT = 500,
    PULL_MAX = 10000,
    PAGE_BYTES = 4 << 20,
    DEVICE_DIGITS = 16,
};

struct known {
    struct bytes32 root;
    struct catalog_clock clock;
};

/* One page on its way. */
struct pull {
    const struct command_call *call;
    struct store *store;
    struct arena arena;
    struct text operations;
    struct known *known; /* the clocks of the entities on this page */
    size_t known_count, count, max;
    int64_t place;
    bool has_more, is_failed;
    struct err *err;
};

/* ---- clocks ---- */

/* NULL when the store fails. */
static const struct catalog_clock *clock_of(struct pull *pull, const struct bytes32 *root)
{
    for (size_t i = 0; i < pull->known_count; i++)
        if (memcmp(&pull->known[i].root, root, sizeof *root) == 0)
            return &pull->known[i].clock;
    pull->known = arena_grow(&pull->arena, struct known, pull->known, pull->known_count);
    struct known *known = &pull->known[pull->known_count];
    known->root = *root;
    if (!catalog_clock(pull->store, &known->clock, &pull->arena, root, pull->err))
        return NULL;
    pull->known_count++;
    return &known->clock;
}

static void write_writer(struct text *out, bool is_first, const struct catalog_writer *writer,
                         uint64_t seq)
{
    text_add(out, is_first ? SPAN("\"") : SPAN(",\""));
    text_add_hex(out, writer->author.at, sizeof writer->author.at);
    text_addf(out, ":%016llx\":%llu", (unsigned long long)writer->device, (unsigned long long)seq);
}

/* What the event had seen, itself included; of one in a history too long for that, itself alone. */
static bool write_clock(struct pull *pull, const struct node *node)
{
    const struct catalog_clock *clock = clock_of(pull, &node->root);
    bool is_first = true;
    if (clock == NULL)
        return false;
    const uint64_t *seqs = catalog_clock_of(clock, &node->id);
    text_add(&pull->operations, SPAN("{"));
    for (size_t i = 0; seqs != NULL && i < clock->writer_count; i++) {
        if (seqs[i] == 0)
            continue;
        write_writer(&pull->operations, is_first, &clock->writers[i], seqs[i]);
        is_first = false;
    }
    if (seqs == NULL && node->has_writer)
        write_writer(&pull->operations, true,
                     &(struct catalog_writer){.author = node->author, .device = node->device},
                     node->seq);
    text_add(&pull->operations, SPAN("}"));
    return true;
}

/* ---- pages ---- */

static bool write_step(struct pull *pull, const struct catalog_step *step)
{
    struct arena arena = {0};
    struct event event;
    struct node node;
    bool ok = event_parse(&event, &arena, step->event->json, pull->err);
    bool is_node = ok && step->event->has_root && node_parse(&node, &arena, &event, NULL);
    if (ok) {
        const struct operation_place place = {
            .type = step->type,
            .root = is_node ? &node.root : NULL,
            .hlc = is_node ? node.hlc : hlc_make((uint64_t)event.created_at * 1000, 0)};
        text_add(&pull->operations, pull->count > 0 ? SPAN(",") : SPAN(""));
        operation_write(&pull->operations, &event, step->event->json, &place);
        if (is_node)
            ok = write_clock(pull, &node);
        else
            text_add(&pull->operations, SPAN("{}"));
        text_add(&pull->operations, SPAN("}"));
    }
    arena_clear(&arena);
    return ok;
}

static bool on_step(void *owner, const struct catalog_step *step)
{
    struct pull *pull = owner;
    if (pull->count == pull->max || pull->operations.len > PAGE_BYTES) {
        pull->has_more = true;
        return false;
    }
    pull->is_failed = !write_step(pull, step);
    pull->count++;
    pull->place = step->place;
    return !pull->is_failed;
}

static bool write_page(struct pull *pull, struct text *out, struct err *err)
{
    struct catalog_writers writers;
    pull->err = err;
    pull->count = pull->known_count = 0;
    pull->known = NULL;
    pull->has_more = false;
    if (!catalog_after(pull->store, pull->place, on_step, pull, err) || pull->is_failed ||
        !catalog_writers(pull->store, &writers, &pull->arena, err))
        return false;
    text_add(out, SPAN("{\"operations\":["));
    text_add(out, text_span(&pull->operations));
    text_addf(out, "],\"cursor\":\"%016llx-%lld\",\"hasMore\":%s,\"vectorClock\":{",
              (unsigned long long)store_device(pull->store), (long long)pull->place,
              pull->has_more ? "true" : "false");
    for (size_t i = 0; i < writers.count; i++)
        write_writer(out, i == 0, &writers.at[i], writers.at[i].seq);
    text_add(out, SPAN("}}\n"));
    pull->operations.len = 0;
    arena_clear(&pull->arena);
    return true;
}

/* Of this store, and no other: where something stands is of one alone. */
static bool read_cursor(struct pull *pull, struct err *err)
{
    const char *cursor = command_value(pull->call, "cursor");
    struct span text = command_span(cursor != NULL ? cursor : "");
    uint64_t device;
    if (cursor == NULL)
        return true;
    if (text.len <= DEVICE_DIGITS + 1 ||
        !hlc_parse(&device, (struct span){text.at, DEVICE_DIGITS}) ||
        text.at[DEVICE_DIGITS] != '-' ||
        !number_decimal(&pull->place,
                        (struct span){text.at + DEVICE_DIGITS + 1, text.len - DEVICE_DIGITS - 1}))
        return err_set(err, ERR_INVALID, "--cursor: not as it was given");
    return device == store_device(pull->store) ||
           err_set(err, ERR_INVALID, "--cursor: of another store");
}

static enum command_status print_pages(struct pull *pull)
{
    struct text out = {0};
    struct err err;
    struct terminal_progress progress = terminal_progress();
    int pages = 0;
    enum command_status status = COMMAND_DONE;
    if (!read_cursor(pull, &err))
        return command_fail(pull->call, &err);
    do {
        status = write_page(pull, &out, &err) ? command_print(pull->call, &out)
                                              : command_fail(pull->call, &err);
        if (!terminal_shows_text()) /* which would be among it */
            terminal_progress_show(&progress, 0, 0, "%d pages", ++pages);
    } while (status == COMMAND_DONE && pull->has_more && command_value(pull->call, "all") != NULL);
    terminal_progress_clear(&progress);
    text_clear(&out);
    return status;
}

static enum command_status run(struct command_call *call)
{
    struct pull pull = {.call = call};
    enum command_status status;
    int64_t max;
    if (!command_number(call, "limit", PULL_DEFAULT, PULL_MAX, &max))
        return COMMAND_USAGE;
    pull.max = (size_t)max;
    pull.store = home_open(call, &status);
    if (pull.store == NULL)
        return status;
    status = print_pages(&pull);
    text_clear(&pull.operations);
    arena_clear(&pull.arena);
    store_close(pull.store);
    return status;
}

static void describe(struct text *out)
{
    text_add(out, SPAN("A page is a JSON object of one line:\n"
                       "  operations   id, entityType, entityId, operation, payload, hlcTimestamp, "
                       "vectorClock of each\n"
                       "  cursor       what --cursor takes for the next page\n"
                       "  hasMore      there is one\n"
                       "  vectorClock  how many events of each person on each device there were\n"
                       "A payload holds the fields that are set, and as _event the event that was "
                       "signed, by which\nshoal sync push knows it. What was sealed for you and "
                       "opened here is shown open: it is yours\nto keep. What was taken back is "
                       "gone.\n"));
}

static const struct command_option options[] = {
    {"cursor", "CURSOR", "what came after this [the beginning]"},
    {"limit", "N", "at most so many operations on a page [500]"},
    {"all", NULL, "all pages, one a line"},
    HOME_OPTION};

const struct command command_sync_pull = {
    .name = "sync pull",
    .help = "write what is here as operations of a sync format, for other applications",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run,
    .more = describe};

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/config.h"
#include "relay/progress.h"
#include "relay/shards.h"
#include "relay/transfer.h"
#include "relay/transfer_base.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/number.h"
#include "shared/text.h"

enum { OUTPUT_BYTES = 1 << 16 };

enum failure { NONE, DATABASE, OUTPUT };

struct export
{
    struct transfer transfer;
    struct progress progress;
    struct arena arena; /* of filter */
    struct filter filter;
    struct store_cursor cursor; /* where the next page begins */
    bool has_cursor;
    int64_t left; /* of the filter's limit */
    int64_t written;
    int64_t bytes;
    char last[96]; /* TIME:ID of the last event written; "" while there is none */
    struct text page;
    enum failure failure;
    int output_errno;
};

/* "created_at:id" */
static bool parse_place(struct store_cursor *cursor, const char *text, struct err *err)
{
    const char *colon = strchr(text, ':');
    struct bytes32 id;
    if (colon == NULL ||
        !number_decimal(&cursor->created_at, (struct span){text, (size_t)(colon - text)}) ||
        !hex_decode(id.at, sizeof id.at, (struct span){colon + 1, strlen(colon + 1)}))
        return err_set(err, ERR_INVALID,
                       "--after: expected TIME:ID as export prints it, got '%.40s'", text);
    cursor->id_prefix = 0;
    for (size_t i = 0; i < 8; i++)
        cursor->id_prefix = cursor->id_prefix << 8 | id.at[i];
    return true;
}

static bool parse_options(struct export *export, const struct transfer_export *options,
                          struct err *err)
{
    const char *text = options->filter != NULL ? options->filter : "{}";
    struct err why;
    if (!filter_parse(&export->filter, &export->arena, (struct span){text, strlen(text)}, &why))
        return err_set(err, ERR_INVALID, "filter: %s", why.text);
    export->left = export->filter.limit == FILTER_NO_LIMIT ? INT64_MAX : export->filter.limit;
    export->has_cursor = options->after != NULL;
    return !export->has_cursor || parse_place(&export->cursor, options->after, err);
}

static bool write_whole(struct export *export)
{
    const char *at = export->page.at;
    size_t left = export->page.len;
    while (left > 0) {
        ssize_t count = write(STDOUT_FILENO, at, left);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            export->output_errno = errno;
            return false;
        }
        at += count;
        left -= (size_t)count;
    }
    export->page.len = 0;
    return true;
}

static void remember(struct export *export, const struct event *event)
{
    char id[65] = "";
    hex_encode(id, event->id.at, sizeof event->id.at);
    snprintf(export->last, sizeof export->last, "%" PRId64 ":%s", event->created_at, id);
}

/* Whole lines, and then what was written is remembered: an export that is resumed repeats
 * nothing. */
static bool write_page(struct export *export, const struct store_page *page)
{
    uint32_t count = page->count;
    if (count > export->left)
        count = (uint32_t) export->left;
    for (uint32_t i = 0; i < count; i++) {
        event_write(&export->page, &page->events[i]);
        text_add(&export->page, SPAN("\n"));
        bool is_last = i + 1 == count;
        if (!is_last && export->page.len < OUTPUT_BYTES)
            continue;
        export->bytes += (int64_t) export->page.len;
        if (!write_whole(export))
            return false;
        remember(export, &page->events[i]);
    }
    export->left -= count;
    export->written += count;
    return true;
}

static void stop(struct export *export, enum failure failure)
{
    export->failure = failure;
    uv_stop(&export->transfer.loop);
}

static void on_page(void *owner, const struct store_page *page);

static void ask(struct export *export)
{
    struct store_read read = {.filter = &export->filter,
                              .after = export->has_cursor ? &export->cursor : NULL,
                              .rows = STORE_PAGE_ROWS_MAX,
                              .reply = on_page,
                              .owner = export};
    if (!shards_read(export->transfer.store, &read, NULL))
        stop(export, DATABASE);
}

static void on_page(void *owner, const struct store_page *page)
{
    struct export *export = owner;
    if (page == NULL) {
        stop(export, DATABASE);
        return;
    }
    if (!write_page(export, page)) {
        stop(export, OUTPUT);
        return;
    }
    progress_show(&export->progress, export->bytes, export->written);
    export->cursor = page->next;
    export->has_cursor = true;
    if (page->finished || export->left == 0 || export->transfer.interrupted)
        stop(export, NONE);
    else
        ask(export);
}

static void print_resume(const struct export *export)
{
    if (export->last[0] != '\0')
        fprintf(stderr, "to resume: shoal-relay export --after %s\n", export->last);
    else
        fprintf(stderr, "nothing was written\n");
}

static int print_end(struct export *export, bool finished)
{
    progress_clear(&export->progress);
    fprintf(stderr, "exported %" PRId64 " events\n", export->written);
    switch (export->failure) {
    case NONE:
        break;
    case DATABASE:
        fprintf(stderr, "the database failed\n");
        print_resume(export);
        return EXIT_FAILURE;
    case OUTPUT:
        fprintf(stderr, "cannot write: %s\n", strerrordesc_np(export->output_errno));
        print_resume(export);
        return EXIT_FAILURE;
    }
    if (finished)
        return EXIT_SUCCESS;
    fprintf(stderr, "interrupted\n");
    print_resume(export);
    return TRANSFER_EXIT_INTERRUPTED;
}

static int run(struct export *export, const struct config *config)
{
    struct err err;
    if (!transfer_open(&export->transfer, config, 0, &err)) {
        fprintf(stderr, "shoal-relay: %s\n", err.text);
        return export->transfer.interrupted ? TRANSFER_EXIT_INTERRUPTED : EXIT_FAILURE;
    }
    progress_start(&export->progress, "exported", 0);
    if (export->left > 0 && !export->filter.matches_nothing) {
        ask(export);
        uv_run(&export->transfer.loop, UV_RUN_DEFAULT);
    }
    int status = print_end(export, !export->transfer.interrupted || export->left == 0);
    shards_forget(export->transfer.store, export);
    transfer_close(&export->transfer);
    return status;
}

int transfer_export(const struct config *config, const struct transfer_export *options)
{
    enum { EXIT_USAGE = 2 };
    struct export export = {.has_cursor = false};
    struct err err;
    int status = EXIT_USAGE;
    if (parse_options(&export, options, &err))
        status = run(&export, config);
    else
        fprintf(stderr, "shoal-relay: %s\ntry 'shoal-relay --help'\n", err.text);
    text_clear(&export.page);
    arena_clear(&export.arena);
    return status;
}

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "relay/config.h"
#include "relay/log.h"
#include "relay/progress.h"
#include "relay/shards.h"
#include "relay/transfer.h"
#include "relay/transfer_base.h"
#include "relay/transfer_block.h"
#include "shared/err.h"

/* Blocks beyond one per thread: they are in the database while others are verified. */
enum { SPARE_BLOCKS = 2, VERDICTS = STORE_FAILED + 1 };

struct import;

struct put {
    struct round *round;
    int64_t number; /* of the line */
};

/* A block on its rounds: read and judged on the pool, put on the loop, and again. */
struct round {
    struct import *import;
    uv_work_t work;
    struct transfer_block block;
    uint32_t unsettled;
    struct put puts[TRANSFER_BLOCK_LINES_MAX];
};

struct import {
    const struct transfer_import *options;
    struct transfer transfer;
    struct transfer_lines lines;
    uv_mutex_t reading; /* of lines: blocks are read one after the other, and judged side by side */
    size_t line_bytes_max;
    struct progress progress;
    uint32_t going; /* rounds */
    int64_t settled[VERDICTS];
    int64_t refused, ephemeral, expired;
    int64_t bytes;
    int64_t failed_number; /* the first line that could not be stored; 0: none */
};

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

static void work(uv_work_t *request)
{
    struct round *round = request->data;
    struct import *import = round->import;
    uv_mutex_lock(&import->reading);
    transfer_block_read(&round->block, &import->lines, import->options->skip_lines,
                        import->line_bytes_max);
    uv_mutex_unlock(&import->reading);
    transfer_block_judge(&round->block, import->options->skip_verify, now_s());
}

static void after_work(uv_work_t *request, int status);

static int64_t event_count(const struct import *import)
{
    int64_t count = 0;
    for (size_t i = 0; i < VERDICTS; i++)
        count += import->settled[i];
    return count;
}

/* Another block, or the end of this round's work. */
static void go_on(struct round *round)
{
    struct import *import = round->import;
    progress_show(&import->progress, import->bytes, event_count(import));
    if (round->block.count > 0)
        log_debug("transfer", "lines read=%" PRId64,
                  round->block.items[round->block.count - 1].number);
    if (import->failed_number != 0 || round->block.count == 0) {
        import->going--;
        if (import->going == 0)
            uv_stop(&import->transfer.loop);
        return;
    }
    uv_queue_work(&import->transfer.loop, &round->work, work, after_work);
}

static void on_settled(void *owner, enum store_verdict verdict)
{
    struct put *put = owner;
    struct round *round = put->round;
    struct import *import = round->import;
    import->settled[verdict]++;
    if (verdict == STORE_FAILED &&
        (import->failed_number == 0 || put->number < import->failed_number)) {
        import->failed_number = put->number;
        transfer_lines_cancel(&import->lines);
    }
    if (--round->unsettled == 0)
        go_on(round);
}

static void refuse(struct import *import, const struct transfer_item *item)
{
    import->refused++;
    progress_clear(&import->progress);
    fprintf(stderr, "line %" PRId64 ": %s: %s\n", item->number, err_prefix(item->err.code),
            item->err.text);
}

static void put(struct round *round, uint32_t i)
{
    const struct transfer_item *item = &round->block.items[i];
    round->puts[i] = (struct put){round, item->number};
    struct store_put put = {.event = &item->event, .settled = on_settled, .owner = &round->puts[i]};
    round->unsettled++;
    shards_put(round->import->transfer.store, &put);
}

static void after_work(uv_work_t *request, int status)
{
    struct round *round = request->data;
    struct import *import = round->import;
    (void)status; /* nothing cancels it */
    if (round->block.bytes > import->bytes)
        import->bytes = round->block.bytes;
    round->unsettled = 1; /* ours, so that the round does not end below */
    for (uint32_t i = 0; i < round->block.count; i++) {
        switch (round->block.items[i].fate) {
        case TRANSFER_GOOD:
            put(round, i);
            break;
        case TRANSFER_REFUSED:
            refuse(import, &round->block.items[i]);
            break;
        case TRANSFER_EPHEMERAL:
            import->ephemeral++;
            break;
        case TRANSFER_EXPIRED:
            import->expired++;
            break;
        }
    }
    if (--round->unsettled == 0)
        go_on(round);
}

static void on_interrupted(void *owner)
{
    struct import *import = owner;
    transfer_lines_cancel(&import->lines);
}

/* Of a pipe it is unknown. */
static int64_t input_bytes(void)
{
    struct stat have;
    return fstat(STDIN_FILENO, &have) == 0 && S_ISREG(have.st_mode) ? have.st_size : 0;
}

static void run_rounds(struct import *import, uint32_t count)
{
    struct round *rounds = calloc(count, sizeof *rounds);
    if (rounds == NULL)
        abort();
    for (uint32_t i = 0; i < count; i++) {
        rounds[i].import = import;
        rounds[i].work.data = &rounds[i];
        import->going++;
        uv_queue_work(&import->transfer.loop, &rounds[i].work, work, after_work);
    }
    uv_run(&import->transfer.loop, UV_RUN_DEFAULT);
    for (uint32_t i = 0; i < count; i++)
        arena_clear(&rounds[i].block.arena);
    free(rounds);
}

static void print_summary(const struct import *import)
{
    const int64_t *settled = import->settled;
    fprintf(stderr,
            "imported %" PRId64 " new, %" PRId64 " known, %" PRId64 " older, %" PRId64
            " deleted, %" PRId64 " refused",
            settled[STORE_NEW], settled[STORE_DUPLICATE], settled[STORE_OLDER],
            settled[STORE_DELETED], import->refused);
    if (import->ephemeral > 0)
        fprintf(stderr, ", %" PRId64 " ephemeral left out", import->ephemeral);
    if (import->expired > 0)
        fprintf(stderr, ", %" PRId64 " expired left out", import->expired);
    fputc('\n', stderr);
}

static int print_end(struct import *import)
{
    const struct transfer_lines *lines = &import->lines;
    progress_clear(&import->progress);
    print_summary(import);
    if (import->failed_number != 0) {
        fprintf(stderr,
                "the database failed; to resume: shoal-relay import --skip-lines %" PRId64 "\n",
                import->failed_number - 1);
        return EXIT_FAILURE;
    }
    if (lines->failure != 0) {
        fprintf(stderr, "cannot read: %s; to resume: shoal-relay import --skip-lines %" PRId64 "\n",
                strerrordesc_np(lines->failure), lines->number);
        return EXIT_FAILURE;
    }
    if (lines->cancelled) {
        fprintf(stderr, "interrupted; to resume: shoal-relay import --skip-lines %" PRId64 "\n",
                lines->number);
        return TRANSFER_EXIT_INTERRUPTED;
    }
    return import->refused > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int transfer_import(const struct config *config, const struct transfer_import *options)
{
    struct import import = {.options = options,
                            .line_bytes_max = (size_t)config->message_bytes_max};
    struct err err;
    uint32_t rounds = (uint32_t)config_verify_threads(config) + SPARE_BLOCKS;
    if (!transfer_open(&import.transfer, config, rounds, &err)) {
        fprintf(stderr, "shoal-relay: %s\n", err.text);
        return import.transfer.interrupted ? TRANSFER_EXIT_INTERRUPTED : EXIT_FAILURE;
    }
    if (uv_mutex_init(&import.reading) != 0)
        abort();
    transfer_lines_open(&import.lines, STDIN_FILENO, import.line_bytes_max);
    progress_start(&import.progress, "imported", input_bytes());
    import.transfer.on_interrupted = on_interrupted;
    import.transfer.owner = &import;

    run_rounds(&import, rounds);
    import.transfer.on_interrupted = NULL;
    int status = print_end(&import);
    transfer_lines_close(&import.lines);
    uv_mutex_destroy(&import.reading);
    transfer_close(&import.transfer);
    return status;
}

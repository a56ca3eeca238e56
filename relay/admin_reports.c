#include <stdlib.h>

#include "relay/admin_job.h"
#include "relay/shards.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"

enum {
    REPORTS_READ_MAX = 1000, /* the newest */
    REPORTED_MAX = 200,      /* events */
    EXCERPT_BYTES = 280,     /* of a reported event, or a reporter's words */
};

/* An event that somebody reported and nobody judged. */
struct reported {
    struct bytes32 id;
    uint32_t reports;
    struct span type, words; /* of the newest report */
    bool is_stored;
    struct bytes32 pubkey;
    uint16_t kind;
    int64_t created_at;
    struct span excerpt;
};

struct reports {
    uint32_t read, count;
    bool is_second; /* the reported events themselves are read */
    struct reported at[REPORTED_MAX];
    struct bytes32 ids[REPORTED_MAX]; /* sorted, for the filter */
};

/* A content's beginning, decoded, cut between characters. */
static struct span excerpt(struct arena *arena, struct span content_json)
{
    struct span text = scan_decode(arena, (struct scan_string){content_json, true});
    if (text.len <= EXCERPT_BYTES)
        return arena_copy(arena, text);
    text.len = EXCERPT_BYTES;
    while (text.len > 0 && ((unsigned char)text.at[text.len] & 0xc0) == 0x80)
        text.len--;
    return arena_copy(arena, text);
}

static struct reported *find(struct reports *reports, const struct bytes32 *id)
{
    for (uint32_t i = 0; i < reports->count; i++)
        if (memcmp(&reports->at[i].id, id, sizeof *id) == 0)
            return &reports->at[i];
    return NULL;
}

/* NIP-56: ["e", id, type] */
static void take_report(struct admin_job *job, const struct event *report)
{
    struct reports *reports = job->owned;
    const struct control *control = job->admin->setup.control;
    if (control_bans_pubkey(control, &report->pubkey))
        return;
    for (uint32_t i = 0; i < report->tag_count; i++) {
        const struct tag *tag = &report->tags[i];
        struct bytes32 id;
        if (tag->count < 2 || !span_eq(tag->items[0], SPAN("e")) ||
            !hex_decode(id.at, sizeof id, tag->items[1]) || control_judged_event(control, &id))
            continue;
        struct reported *reported = find(reports, &id);
        if (reported == NULL && reports->count < REPORTED_MAX) {
            reported = &reports->at[reports->count++];
            *reported = (struct reported){
                .id = id,
                .type = tag->count > 2 ? arena_copy(&job->arena, tag->items[2]) : SPAN(""),
                .words = excerpt(&job->arena, report->content_json)};
        }
        if (reported != NULL)
            reported->reports++;
    }
}

static void take_stored(struct admin_job *job, const struct event *event)
{
    struct reported *reported = find(job->owned, &event->id);
    if (reported == NULL)
        return;
    reported->is_stored = true;
    reported->pubkey = event->pubkey;
    reported->kind = event->kind;
    reported->created_at = event->created_at;
    if (!kind_is_gated(event->kind))
        reported->excerpt = excerpt(&job->arena, event->content_json);
}

static void add_reported(struct text *out, const struct reported *reported)
{
    struct text reason = {0};
    text_add(&reason, reported->type.len > 0 ? reported->type : SPAN("reported"));
    if (reported->reports > 1)
        text_addf(&reason, " (%u reports)", reported->reports);
    if (reported->words.len > 0)
        text_add(&reason, SPAN(": "));
    text_add(&reason, reported->words);
    text_addf(out, "%s{\"id\":\"", out->len > 1 ? "," : "");
    text_add_hex(out, reported->id.at, sizeof reported->id);
    text_add(out, SPAN("\",\"reason\":"));
    text_add_json(out, text_span(&reason));
    text_addf(out, ",\"reports\":%u,\"kind\":%u,\"created_at\":%lld,\"pubkey\":\"",
              reported->reports, reported->kind, (long long)reported->created_at);
    text_add_hex(out, reported->pubkey.at, sizeof reported->pubkey);
    text_add(out, SPAN("\",\"excerpt\":"));
    text_add_json(out, reported->excerpt);
    text_add(out, SPAN("}"));
    text_clear(&reason);
}

static void finish(struct admin_job *job)
{
    const struct reports *reports = job->owned;
    struct text text = {0};
    text_add(&text, SPAN("["));
    for (uint32_t i = 0; i < reports->count; i++)
        if (reports->at[i].is_stored)
            add_reported(&text, &reports->at[i]);
    text_add(&text, SPAN("]"));
    admin_finish(job, text_span(&text));
    text_clear(&text);
}

static void read_more(struct admin_job *job, const struct store_cursor *after);

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

static void read_stored(struct admin_job *job)
{
    struct reports *reports = job->owned;
    reports->is_second = true;
    for (uint32_t i = 0; i < reports->count; i++)
        reports->ids[i] = reports->at[i].id;
    qsort(reports->ids, reports->count, sizeof *reports->ids, compare_ids);
    if (reports->count == 0)
        finish(job);
    else
        read_more(job, NULL);
}

static void on_page(void *owner, const struct store_page *page)
{
    struct admin_job *job = owner;
    struct reports *reports = job->owned;
    if (page == NULL) {
        admin_refuse(job, 503, "the database is unavailable; try again");
        return;
    }
    for (uint32_t i = 0; i < page->count; i++)
        (reports->is_second ? take_stored : take_report)(job, &page->events[i]);
    reports->read += page->count;
    if (!page->finished && (reports->is_second || reports->read < REPORTS_READ_MAX))
        read_more(job, &page->next);
    else if (!reports->is_second)
        read_stored(job);
    else
        finish(job);
}

static void read_more(struct admin_job *job, const struct store_cursor *after)
{
    static const uint16_t kind = KIND_REPORT;
    struct reports *reports = job->owned;
    struct filter filter = {.until = INT64_MAX, .limit = FILTER_NO_LIMIT};
    struct store_read read = {.filter = &filter,
                              .after = after,
                              .rows = STORE_PAGE_ROWS_MAX,
                              .reply = on_page,
                              .owner = job};
    struct err err;
    if (reports->is_second)
        filter.ids = (struct filter_keys){reports->count, reports->ids};
    else
        filter.kinds = (struct filter_kinds){1, &kind};
    if (!shards_read(job->admin->setup.store, &read, &err))
        admin_fail(job, 503, &err);
}

void admin_list_reports(struct admin_job *job)
{
    job->owned = calloc(1, sizeof(struct reports));
    if (job->owned == NULL)
        abort();
    read_more(job, NULL);
}

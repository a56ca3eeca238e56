#include "shared/verdict.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/receipt.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

bool verdict_is_right(const struct verdict *verdict)
{
    uint32_t wrong = verdict->checked - verdict->same;
    return verdict->checked > 0 && (wrong <= 1 || wrong <= verdict->checked / VERDICT_TOLERANCE);
}

void verdict_write(struct text *tags, struct text *content, const struct verdict *verdict)
{
    struct text array = {0}, quoted = {0};
    text_add(tags, SPAN("[[\"e\",\""));
    text_add_hex(tags, verdict->job.at, sizeof verdict->job.at);
    text_add(tags, SPAN("\"],[\"p\",\""));
    text_add_hex(tags, verdict->node.at, sizeof verdict->node.at);
    text_addf(tags,
              "\"],[\"verdict\",\"%s\"],[\"checked\",\"%u\"],[\"same\",\"%u\"],[\"first\",\"%u\"]]",
              verdict_is_right(verdict) ? "right" : "wrong", verdict->checked, verdict->same,
              verdict->first);
    text_addf(&array, "[%.*s,%.*s]", SPAN_ARG(verdict->receipts[0]),
              SPAN_ARG(verdict->receipts[1]));
    text_add_json(&quoted, text_span(&array));
    text_add(content, (struct span){quoted.at + 1, quoted.len - 2});
    text_clear(&array);
    text_clear(&quoted);
}

static bool read_key(struct bytes32 *out, const struct event *event, struct span name,
                     struct err *err)
{
    const struct span *value = event_tag_value(event, name);
    return (value != NULL && hex_decode(out->at, sizeof out->at, *value)) ||
           err_set(err, ERR_INVALID, "a verdict without '%s'", name.at);
}

static bool read_count(uint32_t *out, const struct event *event, struct span name, struct err *err)
{
    const struct span *value = event_tag_value(event, name);
    int64_t number;
    if (value == NULL || !number_decimal(&number, *value) || number > UINT32_MAX)
        return err_set(err, ERR_INVALID, "a verdict without '%s'", name.at);
    *out = (uint32_t)number;
    return true;
}

/* A receipt that was signed by whoever it says. */
static bool read_receipt(struct event *event, struct receipt *receipt, struct span *json,
                         struct arena *arena, struct scan *scan, struct err *err)
{
    (void)scan_peek(scan);
    const char *at = scan->at;
    if (!event_scan(event, arena, scan, err) || !receipt_read(receipt, arena, event, err))
        return false;
    *json = (struct span){at, (size_t)(scan->at - at)};
    return (event_check_id(event) && sig_verify(&event->sig, &event->id, &event->pubkey)) ||
           err_set(err, ERR_INVALID, "a verdict with a receipt that is not signed");
}

static bool read_receipts(struct verdict *verdict, struct arena *arena, struct span content,
                          struct err *err)
{
    struct scan scan = scan_begin(content);
    struct scan_list list;
    struct event events[2];
    struct receipt receipts[2];
    if (!scan_array(&scan, &list, err))
        return false;
    for (int i = 0; i < 2; i++)
        if (!list.more ||
            !read_receipt(&events[i], &receipts[i], &verdict->receipts[i], arena, &scan, err) ||
            !scan_next(&scan, &list, err))
            return list.more ? false : err_set(err, ERR_INVALID, "a verdict needs two receipts");
    if (memcmp(&events[0].pubkey, &verdict->node, sizeof verdict->node) != 0 ||
        memcmp(&receipts[0].job, &verdict->job, sizeof verdict->job) != 0)
        return err_set(err, ERR_INVALID, "a verdict with the receipt of another job");
    if (memcmp(&events[1].pubkey, &verdict->node, sizeof verdict->node) == 0 ||
        memcmp(&receipts[0].model, &receipts[1].model, sizeof receipts[0].model) != 0)
        return err_set(err, ERR_INVALID, "a verdict that no other node has for that model");
    return (verdict->checked > 0 && verdict->checked <= receipts[0].output_tokens) ||
           err_set(err, ERR_INVALID, "a verdict on tokens that there are not");
}

bool verdict_read(struct verdict *verdict, struct arena *arena, const struct event *event,
                  struct err *err)
{
    *verdict = (struct verdict){0};
    if (event->kind != KIND_VERDICT)
        return err_set(err, ERR_INVALID, "an event of kind %u is no verdict", event->kind);
    if (!read_key(&verdict->job, event, SPAN("e"), err) ||
        !read_key(&verdict->node, event, SPAN("p"), err) ||
        !read_count(&verdict->checked, event, SPAN("checked"), err) ||
        !read_count(&verdict->same, event, SPAN("same"), err) ||
        !read_count(&verdict->first, event, SPAN("first"), err))
        return false;
    if (verdict->same > verdict->checked || verdict->first > verdict->checked)
        return err_set(err, ERR_INVALID, "a verdict whose parts are more than the whole");
    struct span content = scan_decode(arena, (struct scan_string){event->content_json, true});
    return read_receipts(verdict, arena, content, err);
}

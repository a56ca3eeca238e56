#include "shared/fraud.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/receipt.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

static bool is_same(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* What is measured, and when it was signed, may be another. */
static bool check_receipts(struct arena *arena, const struct event *a, const struct event *b,
                           struct err *err)
{
    struct receipt one, two;
    if (!receipt_read(&one, arena, a, err) || !receipt_read(&two, arena, b, err))
        return false;
    if (!span_eq(one.quote, two.quote))
        return err_set(err, ERR_INVALID, "the receipts are of two quotes");
    bool is_one = is_same(&one.job, &two.job) && is_same(&one.model, &two.model) &&
                  is_same(&one.tokens, &two.tokens) && is_same(&one.seed, &two.seed) &&
                  one.prompt_tokens == two.prompt_tokens &&
                  one.output_tokens == two.output_tokens && one.amount == two.amount &&
                  span_eq(one.unit, two.unit);
    return !is_one || err_set(err, ERR_INVALID, "the receipts say the same");
}

static bool has_sequence(uint16_t kind)
{
    return kind == KIND_TRANSFER || kind == KIND_TRANSFER_ACK || kind == KIND_MINT_SUPPLY;
}

/* Of one currency, and one thing that is counted. */
static bool check_sequence(const struct event *a, const struct event *b, struct err *err)
{
    static const struct span names[] = {{"seq", 3}, {"issuer", 6}, {"d", 1}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct span *one = event_tag_value(a, names[i]), *two = event_tag_value(b, names[i]);
        if ((one == NULL) != (two == NULL) || (one != NULL && !span_eq(*one, *two)) ||
            (i == 0 && one == NULL))
            return err_set(err, ERR_INVALID, "they are not of one '%s'", names[i].at);
    }
    return (!span_eq(a->tags_json, b->tags_json) || !span_eq(a->content_json, b->content_json)) ||
           err_set(err, ERR_INVALID, "they say the same");
}

static bool is_signed(const struct event *event)
{
    return event_check_id(event) && sig_verify(&event->sig, &event->id, &event->pubkey);
}

bool fraud_check(struct arena *arena, const struct event *a, const struct event *b, struct err *err)
{
    if (!is_same(&a->pubkey, &b->pubkey))
        return err_set(err, ERR_INVALID, "two keys have signed them");
    if (a->kind != b->kind || (a->kind != KIND_RECEIPT && !has_sequence(a->kind)))
        return err_set(err, ERR_INVALID, "events of kinds %u and %u contradict nothing", a->kind,
                       b->kind);
    bool ok =
        a->kind == KIND_RECEIPT ? check_receipts(arena, a, b, err) : check_sequence(a, b, err);
    return ok &&
           ((is_signed(a) && is_signed(b)) || err_set(err, ERR_INVALID, "a signature is wrong"));
}

void fraud_write(struct text *tags, struct text *content, const struct event *a,
                 const struct event *b)
{
    struct text array = {0}, quoted = {0};
    text_add(tags, SPAN("[[\"p\",\""));
    text_add_hex(tags, a->pubkey.at, sizeof a->pubkey.at);
    text_add(tags, SPAN("\"],[\"e\",\""));
    text_add_hex(tags, a->id.at, sizeof a->id.at);
    text_add(tags, SPAN("\"],[\"e\",\""));
    text_add_hex(tags, b->id.at, sizeof b->id.at);
    text_add(tags, SPAN("\"]]"));
    text_add(&array, SPAN("["));
    event_write(&array, a);
    text_add(&array, SPAN(","));
    event_write(&array, b);
    text_add(&array, SPAN("]"));
    text_add_json(&quoted, text_span(&array));
    text_add(content, (struct span){quoted.at + 1, quoted.len - 2});
    text_clear(&array);
    text_clear(&quoted);
}

bool fraud_read(struct bytes32 *node, struct arena *arena, const struct event *event,
                struct err *err)
{
    struct event both[2];
    if (event->kind != KIND_FRAUD)
        return err_set(err, ERR_INVALID, "an event of kind %u is no proof", event->kind);
    struct scan scan =
        scan_begin(scan_decode(arena, (struct scan_string){event->content_json, true}));
    struct scan_list list;
    if (!scan_array(&scan, &list, err))
        return false;
    for (int i = 0; i < 2; i++) {
        if (!list.more)
            return err_set(err, ERR_INVALID, "a proof is two events");
        if (!event_scan(&both[i], arena, &scan, err) || !scan_next(&scan, &list, err))
            return false;
    }
    *node = both[0].pubkey;
    return fraud_check(arena, &both[0], &both[1], err);
}

#include "shared/receipt.h"

#include <endian.h>
#include <inttypes.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

struct bytes32 receipt_hash_tokens(const uint32_t *tokens, uint32_t count)
{
    struct text bytes = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t token = htole32(tokens[i]);
        text_add(&bytes, SPAN_OF(token));
    }
    struct bytes32 hash = sig_sha256(text_span(&bytes));
    text_clear(&bytes);
    return hash;
}

/* ---- writing ---- */

static void write_hash(struct text *tags, const char *name, const struct bytes32 *hash)
{
    text_addf(tags, "%s[\"%s\",\"", tags->at[tags->len - 1] == '[' ? "" : ",", name);
    text_add_hex(tags, hash->at, sizeof hash->at);
    text_add(tags, SPAN("\"]"));
}

static void write_word(struct text *tags, const char *name, struct span word)
{
    text_addf(tags, ",[\"%s\",", name);
    text_add_json(tags, word);
    text_add(tags, SPAN("]"));
}

static void write_amount(struct text *tags, uint64_t amount, struct span unit)
{
    text_addf(tags, ",[\"amount\",\"%" PRIu64 "\",", amount);
    text_add_json(tags, unit);
    text_add(tags, SPAN("]"));
}

static void write_stage(struct text *tags, const struct receipt_stage *stage)
{
    text_add(tags, SPAN(",[\"stage\",\""));
    text_add_hex(tags, stage->pubkey.at, sizeof stage->pubkey.at);
    text_addf(tags, "\",\"%u-%u\",\"%" PRIu64 "\"", stage->from, stage->to, stage->work);
    if (stage->has_commitment) {
        text_add(tags, SPAN(",\""));
        text_add_hex(tags, stage->commitment.at, sizeof stage->commitment.at);
        text_add(tags, SPAN("\""));
    }
    text_add(tags, SPAN("]"));
}

void receipt_write(struct text *tags, const struct receipt *receipt)
{
    text_add(tags, SPAN("["));
    write_hash(tags, "e", &receipt->job);
    write_word(tags, "quote", receipt->quote);
    if (receipt->has_offer)
        write_hash(tags, "offer", &receipt->offer);
    write_hash(tags, "model", &receipt->model);
    write_word(tags, "profile", receipt->profile);
    text_addf(tags,
              ",[\"usage\",\"in\",\"%u\"],[\"usage\",\"out\",\"%u\"],[\"usage\",\"cached\",\"%u\"]",
              receipt->prompt_tokens, receipt->output_tokens, receipt->cached_tokens);
    write_hash(tags, "tokens", &receipt->tokens);
    write_hash(tags, "seed", &receipt->seed);
    write_amount(tags, receipt->amount, receipt->unit);
    text_addf(tags, ",[\"fee\",\"%" PRIu64 "\"],[\"burn\",\"%" PRIu64 "\"]", receipt->fee,
              receipt->burn);
    for (uint32_t i = 0; i < receipt->stage_count; i++)
        write_stage(tags, receipt->stages + i);
    text_addf(tags, ",[\"ttft\",\"%u\"],[\"ms\",\"%u\"]]", receipt->first_ms, receipt->ms);
}

void receipt_write_counter(struct text *tags, const struct receipt_counter *counter)
{
    text_add(tags, SPAN("["));
    write_hash(tags, "p", &counter->provider);
    write_hash(tags, "session", &counter->session);
    write_amount(tags, counter->amount, counter->unit);
    text_addf(tags, ",[\"metrics\",\"%u\",\"%" PRIu64 "\",\"%" PRIu64 "\",\"%u\",\"%u\",\"%u\"]]",
              counter->jobs, counter->prompt_tokens, counter->output_tokens, counter->first_ms,
              counter->rate, counter->failed);
}

/* ---- reading ---- */

/* The one tag of that name; NULL, and err says why. second: its value must be that; NULL. */
static const struct tag *find(const struct event *event, struct span name, const char *second,
                              uint32_t items, struct err *err)
{
    const struct tag *found = NULL;
    uint32_t skipped = second != NULL ? 1 : 0;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = event->tags + i;
        if (tag->count == 0 || !span_eq(tag->items[0], name) ||
            (second != NULL &&
             (tag->count < 2 || !span_eq(tag->items[1], (struct span){second, strlen(second)}))))
            continue;
        if (found != NULL) {
            err_fill(err, ERR_INVALID, "a receipt with two tags '%s'", name.at);
            return NULL;
        }
        found = tag;
    }
    if (found == NULL || found->count < items + 1 + skipped) {
        err_fill(err, ERR_INVALID, "a receipt without tag '%s'", name.at);
        return NULL;
    }
    return found;
}

static bool wrong(const char *what, struct span found, struct err *err)
{
    return err_set(err, ERR_INVALID, "a receipt whose %s is '%s'", what, scan_word(found).at);
}

static bool read_count(uint64_t *out, uint64_t max, const char *what, struct span text,
                       struct err *err)
{
    int64_t value;
    if (!number_decimal(&value, text) || (uint64_t)value > max)
        return wrong(what, text, err);
    *out = (uint64_t)value;
    return true;
}

static bool read_small(uint32_t *out, const char *what, struct span text, struct err *err)
{
    uint64_t value;
    if (!read_count(&value, UINT32_MAX, what, text, err))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool read_hash(struct bytes32 *out, const struct event *event, struct span name,
                      struct err *err)
{
    const struct tag *tag = find(event, name, NULL, 1, err);
    return tag != NULL && (hex_decode(out->at, sizeof out->at, tag->items[1]) ||
                           wrong(name.at, tag->items[1], err));
}

static bool read_word(struct span *out, const struct event *event, struct span name,
                      struct err *err)
{
    const struct tag *tag = find(event, name, NULL, 1, err);
    if (tag == NULL)
        return false;
    *out = tag->items[1];
    return out->len <= RECEIPT_WORD_BYTES_MAX || wrong(name.at, *out, err);
}

static bool read_number(uint64_t *out, const struct event *event, struct span name, struct err *err)
{
    const struct tag *tag = find(event, name, NULL, 1, err);
    return tag != NULL && read_count(out, INT64_MAX, name.at, tag->items[1], err);
}

static bool read_ms(uint32_t *out, const struct event *event, struct span name, struct err *err)
{
    const struct tag *tag = find(event, name, NULL, 1, err);
    return tag != NULL && read_small(out, name.at, tag->items[1], err);
}

static bool read_usage(uint32_t *out, const struct event *event, const char *which, struct err *err)
{
    const struct tag *tag = find(event, SPAN("usage"), which, 1, err);
    return tag != NULL && read_small(out, "usage", tag->items[2], err);
}

static bool read_amount(uint64_t *amount, struct span *unit, const struct event *event,
                        struct err *err)
{
    const struct tag *tag = find(event, SPAN("amount"), NULL, 2, err);
    if (tag == NULL || !read_count(amount, INT64_MAX, "amount", tag->items[1], err))
        return false;
    *unit = tag->items[2];
    return (unit->len > 0 && unit->len <= RECEIPT_WORD_BYTES_MAX) || wrong("unit", *unit, err);
}

/* "0-15" */
static bool read_layers(struct receipt_stage *stage, struct span text, struct err *err)
{
    const char *dash = text.len > 0 ? memchr(text.at, '-', text.len) : NULL;
    if (dash == NULL)
        return wrong("layers", text, err);
    struct span from = {text.at, (size_t)(dash - text.at)};
    struct span to = {dash + 1, text.len - from.len - 1};
    return read_small(&stage->from, "layers", from, err) &&
           read_small(&stage->to, "layers", to, err) &&
           (stage->from <= stage->to || wrong("layers", text, err));
}

static bool read_stage(struct receipt_stage *stage, const struct tag *tag, struct err *err)
{
    if (tag->count < 4)
        return err_set(err, ERR_INVALID, "a receipt with a stage that lacks its work");
    if (!hex_decode(stage->pubkey.at, sizeof stage->pubkey.at, tag->items[1]))
        return wrong("stage", tag->items[1], err);
    if (!read_layers(stage, tag->items[2], err) ||
        !read_count(&stage->work, INT64_MAX, "work", tag->items[3], err))
        return false;
    stage->has_commitment = tag->count > 4;
    return !stage->has_commitment ||
           hex_decode(stage->commitment.at, sizeof stage->commitment.at, tag->items[4]) ||
           wrong("commitment", tag->items[4], err);
}

static bool read_stages(struct receipt *receipt, struct arena *arena, const struct event *event,
                        struct err *err)
{
    struct receipt_stage *stages = NULL;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = event->tags + i;
        if (tag->count == 0 || !span_eq(tag->items[0], SPAN("stage")))
            continue;
        if (receipt->stage_count == RECEIPT_STAGES_MAX)
            return err_set(err, ERR_INVALID, "a receipt of more than %d stages",
                           RECEIPT_STAGES_MAX);
        stages = arena_grow(arena, struct receipt_stage, stages, receipt->stage_count);
        struct receipt_stage *stage = &stages[receipt->stage_count++];
        *stage = (struct receipt_stage){0};
        if (!read_stage(stage, tag, err))
            return false;
    }
    receipt->stages = stages;
    return true;
}

static bool check_kind(const struct event *event, uint16_t kind, struct err *err)
{
    return event->kind == kind ||
           err_set(err, ERR_INVALID, "an event of kind %u is not of kind %u", event->kind, kind);
}

bool receipt_read(struct receipt *receipt, struct arena *arena, const struct event *event,
                  struct err *err)
{
    *receipt = (struct receipt){0};
    receipt->has_offer = event_tag_value(event, SPAN("offer")) != NULL;
    if (!check_kind(event, KIND_RECEIPT, err) || !read_hash(&receipt->job, event, SPAN("e"), err) ||
        !read_word(&receipt->quote, event, SPAN("quote"), err) ||
        (receipt->has_offer && !read_hash(&receipt->offer, event, SPAN("offer"), err)) ||
        !read_hash(&receipt->model, event, SPAN("model"), err) ||
        !read_word(&receipt->profile, event, SPAN("profile"), err) ||
        !read_hash(&receipt->tokens, event, SPAN("tokens"), err) ||
        !read_hash(&receipt->seed, event, SPAN("seed"), err))
        return false;
    if (!read_usage(&receipt->prompt_tokens, event, "in", err) ||
        !read_usage(&receipt->output_tokens, event, "out", err) ||
        !read_usage(&receipt->cached_tokens, event, "cached", err) ||
        !read_amount(&receipt->amount, &receipt->unit, event, err) ||
        !read_number(&receipt->fee, event, SPAN("fee"), err) ||
        !read_number(&receipt->burn, event, SPAN("burn"), err) ||
        !read_ms(&receipt->first_ms, event, SPAN("ttft"), err) ||
        !read_ms(&receipt->ms, event, SPAN("ms"), err))
        return false;
    return ((receipt->burn <= receipt->fee && receipt->fee <= receipt->amount &&
             receipt->cached_tokens <= receipt->prompt_tokens) ||
            err_set(err, ERR_INVALID, "a receipt whose parts are more than the whole")) &&
           read_stages(receipt, arena, event, err);
}

bool receipt_read_counter(struct receipt_counter *counter, const struct event *event,
                          struct err *err)
{
    *counter = (struct receipt_counter){0};
    if (!check_kind(event, KIND_COUNTER_RECEIPT, err) ||
        !read_hash(&counter->provider, event, SPAN("p"), err) ||
        !read_hash(&counter->session, event, SPAN("session"), err) ||
        !read_amount(&counter->amount, &counter->unit, event, err))
        return false;
    const struct tag *tag = find(event, SPAN("metrics"), NULL, 5, err);
    return tag != NULL && read_small(&counter->jobs, "metrics", tag->items[1], err) &&
           read_count(&counter->prompt_tokens, INT64_MAX, "metrics", tag->items[2], err) &&
           read_count(&counter->output_tokens, INT64_MAX, "metrics", tag->items[3], err) &&
           read_small(&counter->first_ms, "metrics", tag->items[4], err) &&
           read_small(&counter->rate, "metrics", tag->items[5], err) &&
           (tag->count < 7 || read_small(&counter->failed, "metrics", tag->items[6], err));
}

#include "shared/offer.h"

#include <assert.h>

#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/offer_parts.h"
#include "shared/text.h"
#include "shared/url.h"

enum { MILLION = 1000000 };

/* ---- what a tag may hold ---- */

bool offer_is_words(struct span text, size_t max)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte < 0x20 || byte == 0x7f ||
            (byte == 0xc2 && i + 1 < text.len && (unsigned char)text.at[i + 1] < 0xa0))
            return false;
    }
    return text.len > 0 && text.len <= max;
}

/* Of small letters, digits, '-' and '_'. */
static bool is_word(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_')
            return false;
    }
    return text.len > 0 && text.len <= OFFER_WORD_BYTES_MAX;
}

static bool begins_with(struct span text, struct span head)
{
    return text.len > head.len && memcmp(text.at, head.at, head.len) == 0;
}

/* Printable ASCII without spaces, quotes and backslashes. */
static bool is_mint(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~' || text.at[i] == '"' || text.at[i] == '\\')
            return false;
    return text.len <= OFFER_PLACE_BYTES_MAX &&
           (begins_with(text, SPAN("https://")) || begins_with(text, SPAN("http://")) ||
            begins_with(text, SPAN("nostr:nprofile1")));
}

static bool is_relay(struct span text)
{
    struct url url;
    return text.len <= OFFER_PLACE_BYTES_MAX && offer_is_words(text, OFFER_PLACE_BYTES_MAX) &&
           url_parse(&url, text, NULL);
}

/* Of a stage that is called without TLS: each frame has a proof of its own. */
static bool is_stage(struct span text)
{
    struct url url;
    return text.len <= OFFER_STAGE_BYTES_MAX && is_relay(text) && url_parse(&url, text, NULL) &&
           !url.is_tls;
}

bool offer_read_count(uint32_t *out, struct span text, int64_t min, int64_t max)
{
    int64_t number;
    if (!number_decimal(&number, text) || number < min || number > max)
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool read_hash(struct bytes32 *out, struct span text)
{
    return hex_decode(out->at, sizeof out->at, text);
}

/* ---- an offer's tags ---- */

static bool read_d(struct offer *offer, const struct tag *tag)
{
    struct span text = tag->items[1], parts[4] = {{0}};
    size_t count = 0;
    for (size_t i = 0, begin = 0; i <= text.len; i++) {
        if (i < text.len && text.at[i] != ':')
            continue;
        if (count == ARRAY_LEN(parts))
            return false;
        parts[count++] = (struct span){text.at + begin, i - begin};
        begin = i + 1;
    }
    offer->dtype = parts[3];
    return count == ARRAY_LEN(parts) && read_hash(&offer->root, parts[0]) && is_word(parts[3]);
}

static bool read_model(struct offer *offer, const struct tag *tag)
{
    offer->model = tag->items[1];
    return offer_is_words(offer->model, OFFER_MODEL_BYTES_MAX);
}

static bool read_layers(struct offer *offer, const struct tag *tag)
{
    return tag->count >= 4 &&
           offer_read_count(&offer->layers, tag->items[3], 1, OFFER_LAYERS_MAX) &&
           offer_read_count(&offer->end, tag->items[2], 1, offer->layers) &&
           offer_read_count(&offer->first, tag->items[1], 0, (int64_t)offer->end - 1);
}

static bool read_tokenizer(struct offer *offer, const struct tag *tag)
{
    offer->has_tokenizer = true;
    return read_hash(&offer->tokenizer, tag->items[1]);
}

static bool read_template(struct offer *offer, const struct tag *tag)
{
    offer->has_template = true;
    return read_hash(&offer->template, tag->items[1]);
}

static bool read_price(struct offer *offer, const struct tag *tag)
{
    uint64_t *const prices[] = {&offer->price.in, &offer->price.cached, &offer->price.out,
                                &offer->price.request};
    for (size_t i = 0; i < ARRAY_LEN(prices); i++) {
        int64_t number;
        if (tag->count <= i + 1 || !number_decimal(&number, tag->items[i + 1]) ||
            (uint64_t)number > OFFER_PRICE_MAX)
            return false;
        *prices[i] = (uint64_t)number;
    }
    return true;
}

static bool read_unit(struct offer *offer, const struct tag *tag)
{
    if (offer->unit_count == OFFER_UNITS_MAX || !is_word(tag->items[1]))
        return false;
    offer->units[offer->unit_count++] = tag->items[1];
    return true;
}

static bool read_mint(struct offer *offer, const struct tag *tag)
{
    if (offer->mint_count == OFFER_MINTS_MAX || !is_mint(tag->items[1]))
        return false;
    offer->mints[offer->mint_count++] = tag->items[1];
    return true;
}

static bool read_relay(struct offer *offer, const struct tag *tag)
{
    if (offer->relay_count == OFFER_RELAYS_MAX || !is_relay(tag->items[1]))
        return false;
    offer->relays[offer->relay_count++] = tag->items[1];
    return true;
}

static bool read_stage(struct offer *offer, const struct tag *tag)
{
    if (offer->stage_count == OFFER_STAGES_MAX || !is_stage(tag->items[1]))
        return false;
    offer->stages[offer->stage_count++] = tag->items[1];
    return true;
}

static bool read_cap(struct offer *offer, const struct tag *tag)
{
    return offer_read_count(&offer->capacity, tag->items[1], 1, OFFER_CAPACITY_MAX);
}

static bool read_context(struct offer *offer, const struct tag *tag)
{
    return offer_read_count(&offer->context, tag->items[1], 1, OFFER_CONTEXT_MAX);
}

static bool read_gpu(struct offer *offer, const struct tag *tag)
{
    offer->gpu = tag->items[1];
    return offer_is_words(offer->gpu, OFFER_GPU_BYTES_MAX);
}

static bool read_expiration(struct offer *offer, const struct tag *tag)
{
    return number_decimal(&offer->expires_at, tag->items[1]);
}

enum { IS_NEEDED = 1, IS_MANY = 2 };

static const struct reader {
    const char *name;
    unsigned flags;
    bool (*read)(struct offer *offer, const struct tag *tag);
} readers[] = {
    {"d", IS_NEEDED, read_d},
    {"model", IS_NEEDED, read_model},
    {"layers", IS_NEEDED, read_layers},
    {"tokenizer", 0, read_tokenizer},
    {"template", 0, read_template},
    {"price", IS_NEEDED, read_price},
    {"unit", IS_MANY, read_unit},
    {"mint", IS_MANY, read_mint},
    {"relay", IS_MANY, read_relay},
    {"stage", IS_MANY, read_stage},
    {"cap", IS_NEEDED, read_cap},
    {"context", IS_NEEDED, read_context},
    {"gpu", 0, read_gpu},
    {"expiration", IS_NEEDED, read_expiration},
};

static const struct reader *reader_of(const struct tag *tag)
{
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        if (tag->count > 0 && tag->items[0].len == strlen(readers[i].name) &&
            memcmp(tag->items[0].at, readers[i].name, tag->items[0].len) == 0)
            return &readers[i];
    return NULL;
}

/* What two tags say must agree, and it must end. */
static bool check(const struct offer *offer, const struct event *event, struct err *err)
{
    struct text d = {0};
    offer_write_identifier(&d, offer);
    bool is_same = span_eq(text_span(&d), event_identifier(event));
    text_clear(&d);
    if (!is_same)
        return err_set(err, ERR_INVALID, "an offer whose identifier is of other layers");
    if (offer->price.cached > offer->price.in)
        return err_set(err, ERR_INVALID, "an offer in which what is known costs more");
    if (offer->mint_count > 0 && offer->unit_count == 0)
        return err_set(err, ERR_INVALID, "an offer with a mint and no unit");
    return (offer->expires_at > event->created_at &&
            offer->expires_at - event->created_at <= OFFER_LIFE_S_MAX) ||
           err_set(err, ERR_INVALID, "an offer that ends too late, or before it was made");
}

bool offer_parse(struct offer *offer, const struct event *event, struct err *err)
{
    unsigned seen = 0;
    *offer = (struct offer){0};
    if (event->kind != KIND_OFFER)
        return err_set(err, ERR_INVALID, "no offer");
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        const struct reader *reader = reader_of(tag);
        if (reader == NULL)
            continue;
        unsigned bit = 1U << (reader - readers);
        if ((seen & bit) != 0 && (reader->flags & IS_MANY) == 0)
            return err_set(err, ERR_INVALID, "an offer with two tags '%s'", reader->name);
        if (tag->count < 2 || !reader->read(offer, tag))
            return err_set(err, ERR_INVALID, "an offer whose tag '%s' cannot be read",
                           reader->name);
        seen |= bit;
    }
    for (size_t i = 0; i < ARRAY_LEN(readers); i++)
        if ((readers[i].flags & IS_NEEDED) != 0 && (seen & 1U << i) == 0)
            return err_set(err, ERR_INVALID, "an offer without a tag '%s'", readers[i].name);
    return check(offer, event, err);
}

/* Rounded up, without the sum ever being past 2^63: three terms of at most 2^28 * 10^10. */
uint64_t offer_cost(const struct offer_price *price, const struct offer_usage *usage)
{
    uint32_t cached = usage->cached < usage->in ? usage->cached : usage->in;
    assert(usage->in <= OFFER_TOKENS_MAX && usage->out <= OFFER_TOKENS_MAX);
    assert(price->in <= OFFER_PRICE_MAX && price->cached <= OFFER_PRICE_MAX &&
           price->out <= OFFER_PRICE_MAX && price->request <= OFFER_PRICE_MAX);
    uint64_t millionths =
        price->in * (usage->in - cached) + price->cached * cached + price->out * usage->out;
    return (millionths + MILLION - 1) / MILLION + price->request;
}

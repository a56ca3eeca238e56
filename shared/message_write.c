#include "shared/message.h"

#include "shared/hll.h"
#include "shared/text.h"

void message_write_event(struct text *out, const struct event *event)
{
    text_add(out, SPAN("[\"EVENT\","));
    event_write(out, event);
    text_add(out, SPAN("]"));
}

static void write_query(struct text *out, const char *type, struct span sub,
                        const struct filter *filters, uint32_t count)
{
    text_addf(out, "[\"%s\",", type);
    text_add_json(out, sub);
    for (uint32_t i = 0; i < count; i++) {
        text_add(out, SPAN(","));
        filter_write(out, &filters[i]);
    }
    text_add(out, SPAN("]"));
}

void message_write_req(struct text *out, struct span sub, const struct filter *filters,
                       uint32_t count)
{
    write_query(out, "REQ", sub, filters, count);
}

void message_write_count_request(struct text *out, struct span sub, const struct filter *filters,
                                 uint32_t count)
{
    write_query(out, "COUNT", sub, filters, count);
}

void message_write_close(struct text *out, struct span sub)
{
    write_query(out, "CLOSE", sub, NULL, 0);
}

void message_write_auth_answer(struct text *out, const struct event *event)
{
    text_add(out, SPAN("[\"AUTH\","));
    event_write(out, event);
    text_add(out, SPAN("]"));
}

void message_write_neg_close(struct text *out, struct span sub)
{
    write_query(out, "NEG-CLOSE", sub, NULL, 0);
}

static void add_bytes(struct text *out, struct span bytes)
{
    text_add(out, SPAN(",\""));
    text_add_hex(out, (const uint8_t *)bytes.at, bytes.len);
    text_add(out, SPAN("\"]"));
}

void message_write_neg_open(struct text *out, struct span sub, const struct filter *filter,
                            struct span bytes)
{
    text_add(out, SPAN("[\"NEG-OPEN\","));
    text_add_json(out, sub);
    text_add(out, SPAN(","));
    filter_write(out, filter);
    add_bytes(out, bytes);
}

void message_write_neg_msg(struct text *out, struct span sub, struct span bytes)
{
    text_add(out, SPAN("[\"NEG-MSG\","));
    text_add_json(out, sub);
    add_bytes(out, bytes);
}

void message_write_event_head(struct text *out, struct span sub)
{
    text_add(out, SPAN("[\"EVENT\","));
    text_add_json(out, sub);
    text_add(out, SPAN(","));
}

/* "prefix: reason" as a JSON string; "" for NULL. */
static void add_reason(struct text *out, const struct err *why)
{
    struct text reason = {0};
    if (why != NULL)
        text_addf(&reason, "%s: %s", err_prefix(why->code), why->text);
    text_add_json(out, text_span(&reason));
    text_clear(&reason);
}

void message_write_ok(struct text *out, const struct bytes32 *id, bool accepted,
                      const struct err *why)
{
    static const struct bytes32 unknown;
    text_add(out, SPAN("[\"OK\",\""));
    if (memcmp(id, &unknown, sizeof unknown) != 0)
        text_add_hex(out, id->at, sizeof id->at);
    text_add(out, accepted ? SPAN("\",true,") : SPAN("\",false,"));
    add_reason(out, why);
    text_add(out, SPAN("]"));
}

void message_write_eose(struct text *out, struct span sub, enum message_finish finish)
{
    text_add(out, SPAN("[\"EOSE\","));
    text_add_json(out, sub);
    switch (finish) {
    case MESSAGE_FINISH_UNKNOWN:
        break;
    case MESSAGE_FINISH:
        text_add(out, SPAN(",[\"finish\"]"));
        break;
    case MESSAGE_MORE:
        text_add(out, SPAN(",[\"more\"]"));
        break;
    }
    text_add(out, SPAN("]"));
}

void message_write_closed(struct text *out, struct span sub, const struct err *why)
{
    text_add(out, SPAN("[\"CLOSED\","));
    text_add_json(out, sub);
    text_add(out, SPAN(","));
    add_reason(out, why);
    text_add(out, SPAN("]"));
}

void message_write_notice(struct text *out, const struct err *why)
{
    text_add(out, SPAN("[\"NOTICE\","));
    add_reason(out, why);
    text_add(out, SPAN("]"));
}

void message_write_count(struct text *out, struct span sub, int64_t count, bool approximate,
                         const struct hll *hll)
{
    text_add(out, SPAN("[\"COUNT\","));
    text_add_json(out, sub);
    text_addf(out, ",{\"count\":%lld%s", (long long)count,
              approximate ? ",\"approximate\":true" : "");
    if (hll != NULL) {
        text_add(out, SPAN(",\"hll\":\""));
        hll_write(out, hll);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("}]"));
}

void message_write_auth(struct text *out, struct span challenge)
{
    text_add(out, SPAN("[\"AUTH\","));
    text_add_json(out, challenge);
    text_add(out, SPAN("]"));
}

void message_write_neg_err(struct text *out, struct span sub, const struct err *why,
                           int64_t records_max)
{
    text_add(out, SPAN("[\"NEG-ERR\","));
    text_add_json(out, sub);
    text_add(out, SPAN(","));
    add_reason(out, why);
    if (records_max > 0)
        text_addf(out, ",%lld", (long long)records_max);
    text_add(out, SPAN("]"));
}

/* serve_answer.c - what is answered to each message. */
#include <stdlib.h>

#include "client/catalog.h"
#include "client/serve_parts.h"
#include "client/store.h"
#include "client/tail.h"
#include "shared/err.h"
#include "shared/sig.h"

static void send_text(struct serve_guest *guest, struct text *out)
{
    serve_send(guest, text_span(out));
    text_clear(out);
}

static void send_closed(struct serve_guest *guest, struct span name, const struct err *why)
{
    struct text out = {0};
    message_write_closed(&out, name, why);
    send_text(guest, &out);
}

/* ---- subscriptions ---- */

static bool drop_sub(struct serve_guest *guest, struct span name)
{
    for (struct serve_sub **at = &guest->subs; *at != NULL; at = &(*at)->next)
        if (span_eq((*at)->name, name)) {
            struct serve_sub *sub = *at;
            *at = sub->next;
            guest->sub_count--;
            arena_clear(&sub->arena);
            free(sub);
            return true;
        }
    return false;
}

static struct serve_sub *add_sub(struct serve_guest *guest, const struct message *message)
{
    struct serve_sub *sub = calloc(1, sizeof *sub);
    if (sub == NULL)
        abort();
    sub->name = arena_copy(&sub->arena, message->sub);
    sub->filters = arena_array(&sub->arena, struct filter, message->filter_count);
    sub->filter_count = message->filter_count;
    for (uint32_t i = 0; i < message->filter_count; i++)
        filter_copy(&sub->filters[i], &sub->arena, &message->filters[i]);
    sub->next = guest->subs;
    guest->subs = sub;
    guest->sub_count++;
    return sub;
}

static void send_event(struct serve_guest *guest, struct span name, struct span json)
{
    struct text out = {0};
    message_write_event_head(&out, name);
    text_add(&out, json);
    text_add(&out, SPAN("]"));
    send_text(guest, &out);
}

void serve_spread(struct serve *serve, const struct event *event, struct span json)
{
    for (struct serve_guest *guest = serve->guests; guest != NULL; guest = guest->next)
        for (const struct serve_sub *sub = guest->subs; sub != NULL; sub = sub->next)
            for (uint32_t i = 0; i < sub->filter_count; i++)
                if (filter_match(&sub->filters[i], event)) {
                    send_event(guest, sub->name, json);
                    break;
                }
}

/* One answer on its way. */
struct page {
    struct serve_guest *guest;
    struct span name;
    size_t left;    /* bytes that may still be sent */
    int64_t wanted; /* events, for this filter */
    bool is_cut;
};

static bool on_stored(void *owner, const struct catalog_event *event)
{
    struct page *page = owner;
    if (event->is_withheld)
        return true;
    if (event->json.len > page->left) {
        page->is_cut = true;
        return false;
    }
    page->left -= event->json.len;
    send_event(page->guest, page->name, event->json);
    return --page->wanted > 0;
}

static bool send_stored(struct page *page, const struct serve_sub *sub, struct err *err)
{
    struct store *store = page->guest->serve->setup.store;
    for (uint32_t i = 0; i < sub->filter_count && !page->is_cut; i++) {
        struct filter filter = sub->filters[i];
        bool is_all = filter.limit == FILTER_NO_LIMIT || filter.limit > SERVE_PAGE_MAX;
        page->wanted = is_all ? SERVE_PAGE_MAX : filter.limit;
        filter.limit = FILTER_NO_LIMIT; /* what is withheld does not count */
        if (page->wanted > 0 && !catalog_each(store, &filter, on_stored, page, err))
            return false;
    }
    return true;
}

static void answer_req(struct serve_guest *guest, const struct message *message)
{
    struct page page = {.guest = guest, .name = message->sub, .left = SERVE_PAGE_BYTES_MAX};
    struct text out = {0};
    struct err err;
    drop_sub(guest, message->sub);
    tail_look(guest->serve->tail); /* what is there is not told again as what comes */
    if (guest->sub_count == SERVE_SUBS_MAX) {
        err_fill(&err, ERR_RATE_LIMITED, "over %d subscriptions at once", SERVE_SUBS_MAX);
        send_closed(guest, message->sub, &err);
        return;
    }
    const struct serve_sub *sub = add_sub(guest, message);
    if (!send_stored(&page, sub, &err)) {
        drop_sub(guest, message->sub);
        send_closed(guest, message->sub, &err);
        return;
    }
    message_write_eose(&out, message->sub, page.is_cut ? MESSAGE_MORE : MESSAGE_FINISH_UNKNOWN);
    send_text(guest, &out);
}

static bool on_counted(void *owner, const struct catalog_event *event)
{
    *(int64_t *)owner += !event->is_withheld;
    return true;
}

static void answer_count(struct serve_guest *guest, const struct message *message)
{
    struct text out = {0};
    struct err err;
    int64_t count = 0;
    for (uint32_t i = 0; i < message->filter_count; i++)
        if (!catalog_each(guest->serve->setup.store, &message->filters[i], on_counted, &count,
                          &err)) {
            send_closed(guest, message->sub, &err);
            return;
        }
    message_write_count(&out, message->sub, count, message->filter_count > 1, NULL);
    send_text(guest, &out);
}

/* ---- events ---- */

static bool keep(struct serve *serve, const struct event *event, enum store_verdict *verdict,
                 struct err *err)
{
    if (serve->setup.is_read_only)
        return err_set(err, ERR_BLOCKED, "nothing is taken here");
    if (event_is_protected(event))
        return err_set(err, ERR_BLOCKED, "it is protected, and nobody proves here who he is");
    if (!event_check_id(event))
        return err_set(err, ERR_INVALID, "the id is not the event's");
    if (!sig_verify(&event->sig, &event->id, &event->pubkey))
        return err_set(err, ERR_INVALID, "the signature is not the author's");
    return store_put(serve->setup.store, verdict, event, NULL, 0, err);
}

/* What nobody keeps. */
static void spread_now(struct serve *serve, const struct event *event)
{
    struct text json = {0};
    event_write(&json, event);
    serve_spread(serve, event, text_span(&json));
    text_clear(&json);
}

static void answer_event(struct serve_guest *guest, const struct message *message)
{
    enum store_verdict verdict = STORE_NEW;
    struct text out = {0};
    struct err err;
    bool ok = keep(guest->serve, &message->event, &verdict, &err);
    bool is_known = ok && verdict == STORE_DUPLICATE;
    if (is_known)
        err_fill(&err, ERR_DUPLICATE, "it is here");
    message_write_ok(&out, &message->event.id, ok, ok && !is_known ? NULL : &err);
    send_text(guest, &out);
    if (ok && verdict == STORE_EPHEMERAL)
        spread_now(guest->serve, &message->event);
    else if (ok)
        tail_look(guest->serve->tail);
}

/* ---- what differs (NIP-77) ---- */

static void end_compare(struct serve_compare *compare)
{
    text_clear(&compare->name);
    free(compare->records);
    *compare = (struct serve_compare){0};
}

static void refuse_compare(struct serve_guest *guest, const struct message *message,
                           const struct err *why)
{
    struct text out = {0};
    message_write_neg_err(&out, message->sub, why, SERVE_RECORDS_MAX);
    send_text(guest, &out);
    end_compare(&guest->compare);
}

static bool on_record(void *owner, const struct catalog_event *event)
{
    struct serve_compare *compare = owner;
    if (event->is_withheld)
        return true;
    if (compare->count == compare->capacity) {
        if (compare->capacity >= SERVE_RECORDS_MAX)
            return false;
        compare->capacity = compare->capacity == 0 ? 1024 : 2 * compare->capacity;
        compare->records = realloc(compare->records, compare->capacity * sizeof *compare->records);
        if (compare->records == NULL)
            abort();
    }
    compare->records[compare->count++] =
        (struct negentropy_record){.created_at = event->created_at, .id = event->id};
    return true;
}

static void go_on(struct serve_guest *guest, const struct message *message)
{
    const struct negentropy side = {.records = guest->compare.records,
                                    .count = guest->compare.count,
                                    .frame_bytes_max = SERVE_MESSAGE_BYTES_MAX / 8};
    struct text answer = {0}, out = {0};
    struct err err;
    if (!negentropy_reconcile(&side, &answer, message->bytes, &err)) {
        refuse_compare(guest, message, &err);
        return;
    }
    message_write_neg_msg(&out, message->sub, text_span(&answer));
    text_clear(&answer);
    send_text(guest, &out);
}

static void open_compare(struct serve_guest *guest, const struct message *message)
{
    struct serve_compare *compare = &guest->compare;
    struct err err;
    end_compare(compare);
    text_add(&compare->name, message->sub);
    if (!catalog_each(guest->serve->setup.store, message->filters, on_record, compare, &err)) {
        refuse_compare(guest, message, &err);
        return;
    }
    if (compare->count >= SERVE_RECORDS_MAX) {
        err_fill(&err, ERR_BLOCKED, "over %d events", SERVE_RECORDS_MAX);
        refuse_compare(guest, message, &err);
        return;
    }
    compare->count = negentropy_seal(compare->records, compare->count);
    go_on(guest, message);
}

static void continue_compare(struct serve_guest *guest, const struct message *message)
{
    struct err err;
    if (guest->compare.name.len > 0 && span_eq(text_span(&guest->compare.name), message->sub)) {
        go_on(guest, message);
        return;
    }
    struct text out = {0};
    err_fill(&err, ERR_CLOSED, "nothing of that name is compared");
    message_write_neg_err(&out, message->sub, &err, 0);
    send_text(guest, &out);
}

/* ---- all ---- */

/* What is searched for plays no part in a match: who asks for less must not get all. */
static bool is_plain(const struct message *message, struct err *err)
{
    for (uint32_t i = 0; i < message->filter_count; i++)
        if (message->filters[i].search.len > 0)
            return err_set(err, ERR_UNSUPPORTED, "nothing is searched for here");
    return true;
}

/* What was not understood is refused by what it would have been answered with. */
static void refuse(struct serve_guest *guest, const struct message *message, const struct err *why)
{
    struct text out = {0};
    if (message->type == MESSAGE_EVENT || message->type == MESSAGE_AUTH)
        message_write_ok(&out, &message->event.id, false, why);
    else if ((message->type == MESSAGE_REQ || message->type == MESSAGE_COUNT) &&
             message->sub.at != NULL)
        message_write_closed(&out, message->sub, why);
    else if (message->type == MESSAGE_NEG_OPEN && message->sub.at != NULL)
        message_write_neg_err(&out, message->sub, why, 0);
    else
        message_write_notice(&out, why);
    send_text(guest, &out);
}

static void answer_auth(struct serve_guest *guest, const struct message *message)
{
    struct text out = {0};
    struct err err;
    bool ok = serve_introduce(guest, &message->event, &err);
    message_write_ok(&out, &message->event.id, ok, ok ? NULL : &err);
    send_text(guest, &out);
}

static void answer(struct serve_guest *guest, const struct message *message)
{
    struct err err;
    switch ((int)message->type) { /* of a client's; the parser lets no other by */
    case MESSAGE_EVENT:
        answer_event(guest, message);
        return;
    case MESSAGE_REQ:
        answer_req(guest, message);
        return;
    case MESSAGE_COUNT:
        answer_count(guest, message);
        return;
    case MESSAGE_CLOSE:
        drop_sub(guest, message->sub);
        return;
    case MESSAGE_NEG_OPEN:
        open_compare(guest, message);
        return;
    case MESSAGE_NEG_MSG:
        continue_compare(guest, message);
        return;
    case MESSAGE_NEG_CLOSE:
        if (span_eq(text_span(&guest->compare.name), message->sub))
            end_compare(&guest->compare);
        return;
    case MESSAGE_AUTH:
        answer_auth(guest, message);
        return;
    default:
        err_fill(&err, ERR_UNSUPPORTED, "nothing of that type");
        refuse(guest, message, &err);
        return;
    }
}

void serve_answer(struct serve_guest *guest, struct span text)
{
    const struct serve_setup *setup = &guest->serve->setup;
    struct arena arena = {0};
    struct message message;
    struct err err;
    if (!message_parse_client(&message, &arena, text, SERVE_FILTERS_MAX, &err) ||
        !is_plain(&message, &err) || (message.type != MESSAGE_AUTH && !serve_admits(guest, &err)) ||
        !store_advance(setup->store, setup->now_ms(), &err))
        refuse(guest, &message, &err);
    else
        answer(guest, &message);
    arena_clear(&arena);
}

void serve_forget(struct serve_guest *guest)
{
    while (guest->subs != NULL)
        drop_sub(guest, guest->subs->name);
    end_compare(&guest->compare);
}

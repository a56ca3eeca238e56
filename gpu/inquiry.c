#include "gpu/inquiry.h"

#include <inttypes.h>
#include <stdio.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"

enum { STATUS_OK = 200, STATUS_NOWHERE = 404, STATUS_AWAY = 503 };

enum inquiry_verb inquiry_read(struct bytes33 *y, const char *method, const char *path)
{
    static const char begin[] = "/v1/jobs/";
    const size_t len = sizeof begin - 1, digits = 2 * sizeof y->at;
    if (strncmp(path, begin, len) != 0 || strlen(path) < len + digits ||
        !hex_decode(y->at, sizeof y->at, (struct span){path + len, digits}))
        return INQUIRY_NONE;
    const char *rest = path + len + digits;
    if (strcmp(method, "GET") == 0 && rest[0] == '\0')
        return INQUIRY_LOOK;
    if (strcmp(method, "GET") == 0 && strcmp(rest, "/follow") == 0)
        return INQUIRY_FOLLOW;
    return strcmp(method, "POST") == 0 && strcmp(rest, "/cancel") == 0 ? INQUIRY_CANCEL
                                                                       : INQUIRY_NONE;
}

void inquiry_refuse(struct mint_answer *answer, enum order_answer why)
{
    bool is_away = why == ORDER_AWAY;
    answer->status = is_away ? STATUS_AWAY : STATUS_NOWHERE;
    answer->body.len = 0;
    text_add(&answer->body,
             is_away ? SPAN("{\"detail\":\"not now: come again\",\"code\":0}")
                     : SPAN("{\"detail\":\"no job was paid with that\",\"code\":10000}"));
}

static void write_text(struct text *out, const struct order_view *view)
{
    struct text said = {0};
    for (uint32_t i = 0; i < view->more_count; i++)
        text_add(&said, view->more[i].text);
    text_add_json(out, text_span(&said));
    text_clear(&said);
}

static void write_view(struct text *out, const struct order_view *view, const char *quote)
{
    text_addf(out, "{\"job\":\"%s\",\"state\":\"%s\",\"windows\":%u,\"text\":", quote,
              order_state_name(view->state), view->more_count);
    write_text(out, view);
    text_addf(out,
              ",\"prompt_tokens\":%u,\"cached_tokens\":%u,\"output_tokens\":%u,\"cost\":%" PRIu64
              ",\"cut\":%s,\"why\":",
              view->prompt_tokens, view->cached_tokens, view->delivered, view->cost,
              view->is_full ? "true" : "false");
    text_add_json(out, view->why);
    text_add(out, SPAN(",\"receipt\":"));
    text_add(out, view->receipt.len > 0 ? view->receipt : SPAN("null"));
}

/* The change is the mint's to tell. */
static void write_quote(const struct inquiry *inquiry, struct text *out, const char *quote)
{
    char path[32 + UUID_TEXT_LEN];
    struct mint_answer told = {0};
    snprintf(path, sizeof path, "/v1/melt/quote/compute/%s", quote);
    mint_call(inquiry->mint, &told, &(struct mint_call){.method = "GET", .path = path});
    text_add(out, SPAN(",\"quote\":"));
    text_add(out, told.status == STATUS_OK ? text_span(&told.body) : SPAN("null"));
    text_clear(&told.body);
}

void inquiry_tell(const struct inquiry *inquiry, struct mint_answer *answer,
                  const struct uuid *quote)
{
    struct arena arena = {0};
    struct order_view view;
    struct err err;
    char word[UUID_TEXT_LEN + 1];
    enum order_answer is = order_look(inquiry->orders, &view, &arena, quote, 0, &err);
    if (is != ORDER_DONE) {
        inquiry_refuse(answer, is);
    } else {
        uuid_write(word, quote);
        answer->status = STATUS_OK;
        write_view(&answer->body, &view, word);
        if (order_has_ended(view.state))
            write_quote(inquiry, &answer->body, word);
        text_add(&answer->body, SPAN("}"));
    }
    arena_clear(&arena);
}

void inquiry_answer(const struct inquiry *inquiry, struct mint_answer *answer, const char *method,
                    const char *path)
{
    struct bytes33 y;
    struct uuid quote;
    struct err err;
    enum inquiry_verb verb = inquiry_read(&y, method, path);
    enum order_answer is =
        verb == INQUIRY_NONE ? ORDER_LOST : order_find(inquiry->orders, &quote, &y, &err);
    if (is == ORDER_DONE && verb == INQUIRY_CANCEL)
        is = order_cancel(inquiry->orders, &quote, &err);
    if (is == ORDER_DONE)
        inquiry_tell(inquiry, answer, &quote);
    else
        inquiry_refuse(answer, is);
}

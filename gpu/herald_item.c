#include <stdio.h>
#include <stdlib.h>

#include "gpu/herald_parts.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"

static bool copy_word(char out[HERALD_WORD_MAX + 1], struct span word, const char *what,
                      struct err *err)
{
    if (word.len == 0 || word.len > HERALD_WORD_MAX || memchr(word.at, '\0', word.len) != NULL)
        return err_set(err, ERR_INVALID, "%s: 1 to %d bytes", what, HERALD_WORD_MAX);
    memcpy(out, word.at, word.len);
    out[word.len] = '\0';
    return true;
}

/* proof_state, or METHOD_mint_quote, METHOD_melt_quote. */
static bool read_kind(struct herald_item *item, struct span kind, struct err *err)
{
    static const struct {
        struct span ending;
        enum herald_kind kind;
    } quotes[] = {{{"_mint_quote", 11}, HERALD_MINT_QUOTE},
                  {{"_melt_quote", 11}, HERALD_MELT_QUOTE}};
    if (span_eq(kind, SPAN("proof_state"))) {
        item->kind = HERALD_PROOF;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        size_t len = kind.len - quotes[i].ending.len;
        if (kind.len <= quotes[i].ending.len || len > MINT_METHOD_NAME_MAX ||
            !span_eq((struct span){kind.at + len, quotes[i].ending.len}, quotes[i].ending) ||
            memchr(kind.at, '/', len) != NULL || memchr(kind.at, '\0', len) != NULL)
            continue;
        item->kind = quotes[i].kind;
        memcpy(item->method, kind.at, len);
        return true;
    }
    return err_set(err, ERR_INVALID, "there is no kind '%s'", scan_word(kind).at);
}

struct reading {
    struct scan scan;
    struct arena arena;
    struct span kind, subscription, method;
    struct span filters[HERALD_FILTERS_MAX];
    uint32_t count;
};

static bool read_filters(struct reading *reading, struct err *err)
{
    struct scan_list list;
    if (!scan_array(&reading->scan, &list, err))
        return false;
    while (list.more) {
        if (reading->count == HERALD_FILTERS_MAX)
            return err_set(err, ERR_INVALID, "more than %d filters", HERALD_FILTERS_MAX);
        if (!scan_text(&reading->scan, &reading->arena, reading->filters + reading->count++, err) ||
            !scan_next(&reading->scan, &list, err))
            return false;
    }
    return true;
}

static bool read_parameters(struct reading *reading, struct err *err)
{
    struct scan_list list;
    struct span key;
    if (!scan_object(&reading->scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(&reading->scan, &reading->arena, &key, err))
            return false;
        bool ok = span_eq(key, SPAN("kind"))
                      ? scan_text(&reading->scan, &reading->arena, &reading->kind, err)
                  : span_eq(key, SPAN("subId"))
                      ? scan_text(&reading->scan, &reading->arena, &reading->subscription, err)
                  : span_eq(key, SPAN("filters")) ? read_filters(reading, err)
                                                  : scan_skip(&reading->scan, err);
        if (!ok || !scan_next(&reading->scan, &list, err))
            return false;
    }
    return true;
}

/* A number or a string, as it stands. */
static bool read_id(struct reading *reading, struct span *id, struct err *err)
{
    char first = scan_peek(&reading->scan);
    const char *begin = reading->scan.at;
    if (first == '{' || first == '[' || !scan_skip(&reading->scan, err))
        return err_set(err, ERR_INVALID, "id: a number or a string");
    *id = (struct span){begin, (size_t)(reading->scan.at - begin)};
    return id->len <= HERALD_WORD_MAX || err_set(err, ERR_INVALID, "id: it is too long");
}

static bool read_request(struct reading *reading, struct herald_request *request, struct err *err)
{
    struct scan_list list;
    struct span key;
    if (!scan_object(&reading->scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(&reading->scan, &reading->arena, &key, err))
            return false;
        bool ok = span_eq(key, SPAN("id")) ? read_id(reading, &request->id, err)
                  : span_eq(key, SPAN("method"))
                      ? scan_text(&reading->scan, &reading->arena, &reading->method, err)
                  : span_eq(key, SPAN("params")) ? read_parameters(reading, err)
                                                 : scan_skip(&reading->scan, err);
        if (!ok || !scan_next(&reading->scan, &list, err))
            return false;
    }
    return scan_end(&reading->scan, err);
}

static bool make_items(const struct reading *reading, struct herald_request *request,
                       struct err *err)
{
    for (uint32_t i = 0; i < reading->count; i++) {
        struct herald_item *item = calloc(1, sizeof *item);
        if (item == NULL)
            abort();
        item->next = request->items;
        item->is_dirty = true;
        request->items = item;
        request->count++;
        memcpy(item->subscription, request->subscription, sizeof item->subscription);
        if (!read_kind(item, reading->kind, err) ||
            !copy_word(item->filter, reading->filters[i], "filters", err))
            return false;
        if (strspn(item->filter, "0123456789abcdefABCDEF-") != reading->filters[i].len)
            return err_set(err, ERR_INVALID, "filters: '%s' is none",
                           scan_word(reading->filters[i]).at);
    }
    return true;
}

bool herald_read(struct herald_request *request, struct span text, struct err *err)
{
    struct reading reading = {.scan = scan_begin(text)};
    *request = (struct herald_request){.id = SPAN("null")};
    bool ok = read_request(&reading, request, err) &&
              copy_word(request->subscription, reading.subscription, "subId", err);
    request->subscribes = ok && span_eq(reading.method, SPAN("subscribe"));
    if (request->subscribes)
        ok = make_items(&reading, request, err);
    else if (ok && !span_eq(reading.method, SPAN("unsubscribe")))
        ok = err_set(err, ERR_INVALID, "there is no method '%s'", scan_word(reading.method).at);
    arena_clear(&reading.arena);
    if (!ok) {
        herald_free_items(request->items);
        request->items = NULL;
    }
    return ok;
}

void herald_free_items(struct herald_item *items)
{
    while (items != NULL) {
        struct herald_item *next = items->next;
        text_clear(&items->last);
        free(items);
        items = next;
    }
}

void herald_look(struct mint *mint, const struct herald_item *item, struct text *out)
{
    static const struct span begin = {"{\"states\":[", 11}, end = {"]}", 2};
    char path[160], body[128];
    struct mint_answer answer;
    struct mint_call call = {.method = "GET", .path = path};
    if (item->kind == HERALD_PROOF) {
        snprintf(path, sizeof path, "/v1/checkstate");
        snprintf(body, sizeof body, "{\"Ys\":[\"%s\"]}", item->filter);
        call.method = "POST";
        call.body = (struct span){body, strlen(body)};
    } else {
        snprintf(path, sizeof path, "/v1/%s/quote/%s/%s",
                 item->kind == HERALD_MINT_QUOTE ? "mint" : "melt", item->method, item->filter);
    }
    mint_call(mint, &answer, &call);
    struct span said = text_span(&answer.body);
    if (item->kind == HERALD_PROOF && answer.status == 200)
        said = (struct span){said.at + begin.len, said.len - begin.len - end.len};
    if (answer.status == 200)
        text_add(out, said);
    text_clear(&answer.body);
}

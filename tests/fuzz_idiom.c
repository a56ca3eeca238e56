/* Any bytes as a chat that is asked for, and as answers: what is written of a chat is JSON again,
 * and asks for no more; what is read of an answer is text. The first byte chooses. */
#include <assert.h>

#include "client/idiom.h"
#include "client/line.h"
#include "shared/arena.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(struct span json)
{
    struct scan scan = scan_begin(json);
    struct err err;
    bool ok = scan_peek(&scan) == '{' && scan_skip(&scan, &err) && scan_end(&scan, &err);
    assert(ok);
}

static void ask(enum idiom idiom, struct span body, struct arena *arena)
{
    const struct plea_terms terms = {.model = SPAN("m\""), .tokens_max = 5, .streams = true};
    struct plea plea, again;
    struct text out = {0};
    struct err err = {0};
    if (!plea_read(&plea, arena, body, &err)) {
        assert(err.code == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    if (idiom_write(&out, idiom, &plea, &terms, &err)) {
        check_json(text_span(&out));
        bool ok = idiom != IDIOM_OPENAI || plea.count > PLEA_MEMBERS_MAX - 4 ||
                  (plea_read(&again, arena, text_span(&out), &err) && again.tokens_max == 5 &&
                   again.streams && span_eq(again.model, terms.model) &&
                   span_eq(again.messages, plea.messages));
        assert(ok);
    } else {
        assert(idiom != IDIOM_OPENAI && err.text[0] != '\0');
    }
    text_clear(&out);
}

struct listener {
    enum idiom idiom;
    struct arena *arena;
};

static void on_line(void *owner, struct span line)
{
    const struct listener *listener = owner;
    struct idiom_news news;
    struct err err = {0};
    if (!idiom_read(&news, listener->arena, listener->idiom, line, &err)) {
        assert(err.code == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    assert(utf8_is(news.delta.text) && utf8_is(news.delta.error) && utf8_is(news.delta.finish));
    assert(news.delta.text.len <= line.len && news.delta.error.len <= line.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct line line = {0};
    if (size == 0)
        return 0;
    const struct span body = {(const char *)data + 1, size - 1};
    struct listener listener = {(enum idiom)(data[0] % IDIOM_COUNT), &arena};
    ask(listener.idiom, body, &arena);
    line_add(&line, body, on_line, &listener);
    line_end(&line, on_line, &listener);
    struct span why = idiom_reason(&arena, body);
    assert(utf8_is(why));
    line_clear(&line);
    arena_clear(&arena);
    return 0;
}

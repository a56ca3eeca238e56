#include "client/idiom.h"

#include "client/line.h"
#include "shared/scan.h"
#include "shared/text.h"

static const struct {
    const char *name, *path;
} idioms[IDIOM_COUNT] = {
    [IDIOM_OPENAI] = {"openai", "/chat/completions"},
    [IDIOM_ANTHROPIC] = {"anthropic", "/messages"},
    [IDIOM_OLLAMA] = {"ollama", "/api/chat"},
};

const char *idiom_name(enum idiom idiom)
{
    return idioms[idiom].name;
}

bool idiom_named(enum idiom *idiom, struct span name)
{
    for (size_t i = 0; i < IDIOM_COUNT; i++)
        if (span_eq(name, (struct span){idioms[i].name, strlen(idioms[i].name)})) {
            *idiom = (enum idiom)i;
            return true;
        }
    return false;
}

const char *idiom_path(enum idiom idiom)
{
    return idioms[idiom].path;
}

/* ---- what is read ---- */

struct reader {
    struct idiom_news *news;
    struct arena *arena;
    struct scan scan;
    struct span type; /* Anthropic's name of the event */
    struct span path; /* the object that is being read */
    bool is_done;
};

typedef bool member_fn(struct reader *reader, struct span key, struct err *err);

static bool read_object(struct reader *reader, member_fn *member, struct span path, struct err *err)
{
    struct scan_list list;
    struct span key, outer = reader->path;
    if (scan_peek(&reader->scan) != '{')
        return scan_skip(&reader->scan, err);
    if (!scan_object(&reader->scan, &list, err))
        return false;
    reader->path = path;
    while (list.more)
        if (!scan_key(&reader->scan, reader->arena, &key, err) || !member(reader, key, err) ||
            !scan_next(&reader->scan, &list, err))
            return false;
    reader->path = outer;
    return true;
}

static bool read_word(struct reader *reader, struct span *out, struct err *err)
{
    if (scan_peek(&reader->scan) != '"')
        return scan_skip(&reader->scan, err);
    return scan_text(&reader->scan, reader->arena, out, err);
}

static bool read_count(struct reader *reader, uint32_t *out, struct err *err)
{
    int64_t number;
    if (scan_peek(&reader->scan) == 'n')
        return scan_skip(&reader->scan, err);
    if (!scan_integer(&reader->scan, &number, UINT32_MAX, err))
        return false;
    *out = (uint32_t)number;
    reader->news->delta.has_usage = true;
    return true;
}

static struct span finish_of(struct span word)
{
    bool is_cut = span_eq(word, SPAN("max_tokens")) || span_eq(word, SPAN("length"));
    if (span_eq(word, SPAN("refusal")))
        return SPAN("content_filter");
    return is_cut ? SPAN("length") : SPAN("stop");
}

/* {"message":"..."}, or the words themselves. */
static bool read_reason(struct reader *reader, struct span key, struct err *err)
{
    return span_eq(key, SPAN("message")) ? read_word(reader, &reader->news->delta.error, err)
                                         : scan_skip(&reader->scan, err);
}

static bool read_error(struct reader *reader, struct err *err)
{
    return scan_peek(&reader->scan) == '"' ? read_word(reader, &reader->news->delta.error, err)
                                           : read_object(reader, read_reason, SPAN("error"), err);
}

/* ---- Anthropic ---- */

static bool read_anthropic_usage(struct reader *reader, struct span key, struct err *err)
{
    struct delta *delta = &reader->news->delta;
    if (span_eq(key, SPAN("input_tokens")))
        return read_count(reader, &delta->prompt_tokens, err);
    return span_eq(key, SPAN("output_tokens")) ? read_count(reader, &delta->output_tokens, err)
                                               : scan_skip(&reader->scan, err);
}

/* What is in "message" and in "delta". */
static bool read_anthropic_inner(struct reader *reader, struct span key, struct err *err)
{
    bool is_delta = span_eq(reader->path, SPAN("delta"));
    struct span word = {0};
    if (is_delta && span_eq(key, SPAN("text")))
        return read_word(reader, &reader->news->delta.text, err);
    if (span_eq(key, SPAN("usage")))
        return read_object(reader, read_anthropic_usage, SPAN("usage"), err);
    if (!is_delta || !span_eq(key, SPAN("stop_reason")))
        return scan_skip(&reader->scan, err);
    if (!read_word(reader, &word, err))
        return false;
    if (word.len > 0)
        reader->news->delta.finish = finish_of(word);
    return true;
}

static bool read_anthropic(struct reader *reader, struct span key, struct err *err)
{
    if (span_eq(key, SPAN("type")))
        return read_word(reader, &reader->type, err);
    if (span_eq(key, SPAN("error")))
        return read_error(reader, err);
    if (span_eq(key, SPAN("usage")))
        return read_object(reader, read_anthropic_usage, SPAN("usage"), err);
    if (span_eq(key, SPAN("delta")))
        return read_object(reader, read_anthropic_inner, SPAN("delta"), err);
    if (span_eq(key, SPAN("message")))
        return read_object(reader, read_anthropic_inner, SPAN("message"), err);
    return scan_skip(&reader->scan, err);
}

/* ---- Ollama ---- */

static bool read_ollama_message(struct reader *reader, struct span key, struct err *err)
{
    return span_eq(key, SPAN("content")) ? read_word(reader, &reader->news->delta.text, err)
                                         : scan_skip(&reader->scan, err);
}

static bool read_ollama(struct reader *reader, struct span key, struct err *err)
{
    struct delta *delta = &reader->news->delta;
    struct span word = {0};
    if (span_eq(key, SPAN("message")))
        return read_object(reader, read_ollama_message, SPAN("message"), err);
    if (span_eq(key, SPAN("error")))
        return read_error(reader, err);
    if (span_eq(key, SPAN("done")))
        return scan_bool(&reader->scan, &reader->is_done, err);
    if (span_eq(key, SPAN("prompt_eval_count")))
        return read_count(reader, &delta->prompt_tokens, err);
    if (span_eq(key, SPAN("eval_count")))
        return read_count(reader, &delta->output_tokens, err);
    if (!span_eq(key, SPAN("done_reason")))
        return scan_skip(&reader->scan, err);
    if (!read_word(reader, &word, err))
        return false;
    if (word.len > 0)
        delta->finish = finish_of(word);
    return true;
}

/* ---- a line ---- */

static bool read_all(struct reader *reader, member_fn *member, struct span json, struct err *err)
{
    reader->scan = scan_begin(json);
    if (scan_peek(&reader->scan) != '{')
        return scan_refuse(&reader->scan, reader->scan.at, err, "expected an object");
    return read_object(reader, member, SPAN(""), err) && scan_end(&reader->scan, err);
}

static bool read_ollama_line(struct reader *reader, struct span line, struct err *err)
{
    struct idiom_news *news = reader->news;
    if (!read_all(reader, read_ollama, line, err))
        return false;
    news->is_news = true;
    news->is_end = reader->is_done || news->delta.error.len > 0;
    if (reader->is_done && news->delta.finish.len == 0)
        news->delta.finish = SPAN("stop");
    return true;
}

static bool read_event(struct reader *reader, enum idiom idiom, struct span json, struct err *err)
{
    struct idiom_news *news = reader->news;
    if (idiom == IDIOM_ANTHROPIC && !read_all(reader, read_anthropic, json, err))
        return false;
    if (idiom == IDIOM_OPENAI && !delta_read(&news->delta, reader->arena, json, err))
        return false;
    news->is_news = !span_eq(reader->type, SPAN("ping"));
    news->is_end = span_eq(reader->type, SPAN("message_stop")) || news->delta.error.len > 0;
    return true;
}

bool idiom_read(struct idiom_news *news, struct arena *arena, enum idiom idiom, struct span line,
                struct err *err)
{
    struct reader reader = {.news = news, .arena = arena};
    struct span data;
    *news = (struct idiom_news){0};
    if (idiom == IDIOM_OLLAMA)
        return line.len == 0 || read_ollama_line(&reader, line, err);
    if (!line_data(&data, line))
        return true;
    if (idiom == IDIOM_OPENAI && span_eq(data, SPAN("[DONE]"))) {
        news->is_end = true;
        return true;
    }
    return read_event(&reader, idiom, data, err);
}

static bool read_refusal(struct reader *reader, struct span key, struct err *err)
{
    return span_eq(key, SPAN("error")) ? read_error(reader, err) : scan_skip(&reader->scan, err);
}

struct span idiom_reason(struct arena *arena, struct span body)
{
    struct idiom_news news = {0};
    struct reader reader = {.news = &news, .arena = arena};
    return read_all(&reader, read_refusal, body, NULL) ? news.delta.error : (struct span){0};
}

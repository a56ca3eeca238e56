#include "gpu/upstream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu/tree.h"
#include "shared/arena.h"

enum { WIDTH_MAX = 1 << 16 };

static bool damage(struct upstream_reader *reader, const char *why)
{
    reader->is_damaged = true;
    snprintf(reader->why, sizeof reader->why, "%s", why);
    return false;
}

static void tell(struct upstream_reader *reader, struct span piece)
{
    if (piece.len > 0)
        reader->tell(reader->owner, piece);
}

static void read_count(uint32_t *out, const struct tree *object, const char *name)
{
    uint64_t value = 0;
    if (tree_integer(tree_get(object, name), &value, UINT32_MAX))
        *out = (uint32_t)value;
}

/* The words of an error: a text, or an object's message. */
static struct span error_text(const struct tree *object)
{
    const struct tree *error = tree_get(object, "error");
    struct span text = tree_text(error);
    return text.len > 0 ? text : tree_text(tree_get(error, "message"));
}

static void read_openai(struct upstream_reader *reader, const struct tree *object)
{
    const struct tree *choices = tree_as(tree_get(object, "choices"), TREE_ARRAY);
    const struct tree *choice = choices != NULL ? choices->first : NULL;
    const struct tree *usage = tree_get(object, "usage");
    tell(reader, tree_text(reader->kind == ASK_CHAT ? tree_get(tree_get(choice, "delta"), "content")
                                                    : tree_get(choice, "text")));
    if (tree_get(choice, "finish_reason") != NULL)
        reader->end =
            tree_is(tree_get(choice, "finish_reason"), "length") ? ANSWER_FULL : ANSWER_ENDED;
    read_count(&reader->usage.prompt_tokens, usage, "prompt_tokens");
    read_count(&reader->usage.tokens, usage, "completion_tokens");
}

static void read_ollama(struct upstream_reader *reader, const struct tree *object)
{
    tell(reader,
         tree_text(reader->kind == ASK_CHAT ? tree_get(tree_get(object, "message"), "content")
                                            : tree_get(object, "response")));
    if (!tree_bool(tree_get(object, "done"), false))
        return;
    reader->has_finished = true;
    reader->end = tree_is(tree_get(object, "done_reason"), "length") ? ANSWER_FULL : ANSWER_ENDED;
    read_count(&reader->usage.prompt_tokens, object, "prompt_eval_count");
    read_count(&reader->usage.tokens, object, "eval_count");
}

static bool read_object(struct upstream_reader *reader, struct span text)
{
    struct arena arena = {0};
    const struct tree *object;
    struct err err;
    bool ok = tree_parse(&object, &arena, text, &err) ? true : damage(reader, err.text);
    struct span error = ok ? error_text(object) : (struct span){0};
    if (ok && error.len > 0) {
        snprintf(reader->why, sizeof reader->why, "%.*s",
                 (int)(error.len < sizeof reader->why ? error.len : sizeof reader->why - 1),
                 error.at);
        reader->is_damaged = true;
        ok = false;
    }
    if (ok)
        (reader->api == UPSTREAM_OLLAMA ? read_ollama : read_openai)(reader, object);
    arena_clear(&arena);
    return ok;
}

/* Without the end of its line. */
static bool read_line(struct upstream_reader *reader, struct span line)
{
    static const struct span data = {"data:", 5};
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0 || reader->has_finished)
        return true;
    if (reader->api == UPSTREAM_OLLAMA)
        return read_object(reader, line);
    if (line.len < data.len || memcmp(line.at, data.at, data.len) != 0)
        return line.at[0] == ':' || memchr(line.at, ':', line.len) != NULL || /* other fields */
               damage(reader, "no event of a stream");
    line.at += data.len;
    line.len -= data.len;
    if (line.len > 0 && line.at[0] == ' ') {
        line.at++;
        line.len--;
    }
    if (!span_eq(line, SPAN("[DONE]")))
        return read_object(reader, line);
    reader->has_finished = true;
    return true;
}

static bool read_lines(struct upstream_reader *reader, struct span bytes)
{
    while (bytes.len > 0) {
        const char *end = memchr(bytes.at, '\n', bytes.len);
        size_t len = end != NULL ? (size_t)(end - bytes.at) : bytes.len;
        if (len > UPSTREAM_LINE_BYTES_MAX - reader->held.len)
            return damage(reader, "a line that is too long");
        text_add(&reader->held, (struct span){bytes.at, len});
        bytes.at += len + (end != NULL);
        bytes.len -= len + (end != NULL);
        if (end == NULL)
            return true;
        struct text line = reader->held;
        reader->held = (struct text){0};
        bool ok = read_line(reader, text_span(&line));
        text_clear(&line);
        if (!ok)
            return false;
    }
    return true;
}

bool upstream_read(struct upstream_reader *reader, struct span bytes)
{
    reader->came += bytes.len;
    if (reader->is_damaged)
        return false;
    if (reader->came > UPSTREAM_ANSWER_BYTES_MAX)
        return damage(reader, "an answer that does not end");
    if (reader->kind != ASK_EMBEDDING)
        return read_lines(reader, bytes);
    if (bytes.len > UPSTREAM_BODY_BYTES_MAX - reader->held.len)
        return damage(reader, "an embedding that is too long");
    text_add(&reader->held, bytes);
    return true;
}

static bool read_embedding(struct upstream_reader *reader, const struct tree *object)
{
    const struct tree *list =
        tree_get(object, reader->api == UPSTREAM_OLLAMA ? "embeddings" : "data");
    const struct tree *vector = tree_as(list, TREE_ARRAY) != NULL ? list->first : NULL;
    if (reader->api == UPSTREAM_OPENAI)
        vector = tree_get(vector, "embedding");
    vector = tree_as(vector, TREE_ARRAY);
    if (vector == NULL || vector->count == 0 || vector->count > WIDTH_MAX)
        return false;
    reader->embedding = calloc(vector->count, sizeof *reader->embedding);
    if (reader->embedding == NULL)
        abort();
    for (const struct tree *item = vector->first; item != NULL; item = item->next) {
        double value;
        if (!tree_number(item, &value) || !isfinite((float)value))
            return false;
        reader->embedding[reader->width++] = (float)value;
    }
    read_count(&reader->usage.prompt_tokens, tree_get(object, "usage"), "prompt_tokens");
    read_count(&reader->usage.prompt_tokens, object, "prompt_eval_count");
    return true;
}

void upstream_end(struct upstream_reader *reader)
{
    struct arena arena = {0};
    const struct tree *object;
    struct err err;
    if (reader->is_damaged)
        return;
    if (reader->kind != ASK_EMBEDDING) {
        if (reader->held.len > 0 && read_line(reader, text_span(&reader->held)))
            reader->held.len = 0;
        return;
    }
    if (!tree_parse(&object, &arena, text_span(&reader->held), &err))
        (void)damage(reader, err.text);
    else if (!read_embedding(reader, object))
        (void)damage(reader, "no embedding");
    reader->has_finished = !reader->is_damaged;
    reader->end = ANSWER_ENDED;
    arena_clear(&arena);
}

void upstream_reason(char *out, size_t size, struct span body)
{
    struct arena arena = {0};
    const struct tree *object;
    struct span text = {0};
    out[0] = '\0';
    if (tree_parse(&object, &arena, body, NULL))
        text = error_text(object);
    if (text.len > 0)
        snprintf(out, size, "%.*s", (int)(text.len < size ? text.len : size - 1), text.at);
    arena_clear(&arena);
}

void upstream_clear(struct upstream_reader *reader)
{
    text_clear(&reader->held);
    free(reader->embedding);
    reader->embedding = NULL;
}

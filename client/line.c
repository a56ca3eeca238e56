#include "client/line.h"

static void tell(struct line *line, line_fn *fn, void *owner)
{
    struct span text = text_span(&line->rest);
    if (text.len > 0 && text.at[text.len - 1] == '\r')
        text.len--;
    if (!line->is_long)
        fn(owner, text);
    line->rest.len = 0;
    line->is_long = false;
}

static void keep(struct line *line, struct span part)
{
    line->is_long = line->is_long || part.len > LINE_BYTES_MAX - line->rest.len;
    if (line->is_long)
        line->rest.len = 0;
    else
        text_add(&line->rest, part);
}

void line_add(struct line *line, struct span bytes, line_fn *fn, void *owner)
{
    while (bytes.len > 0) {
        const char *end = memchr(bytes.at, '\n', bytes.len);
        size_t len = end != NULL ? (size_t)(end - bytes.at) : bytes.len;
        keep(line, (struct span){bytes.at, len});
        if (end != NULL)
            tell(line, fn, owner);
        bytes.at += len + (end != NULL);
        bytes.len -= len + (end != NULL);
    }
}

void line_end(struct line *line, line_fn *fn, void *owner)
{
    if (line->rest.len > 0)
        tell(line, fn, owner);
    line->is_long = false;
}

void line_clear(struct line *line)
{
    text_clear(&line->rest);
    line->is_long = false;
}

bool line_data(struct span *data, struct span text)
{
    static const char name[] = "data:";
    size_t len = sizeof name - 1;
    if (text.len < len || memcmp(text.at, name, len) != 0)
        return false;
    len += text.len > len && text.at[len] == ' ';
    *data = (struct span){text.at + len, text.len - len};
    return true;
}

#include "relay/head.h"

#include <strings.h>

#include "shared/arena.h"

#define HEAD_NAME(name, text) text,
static const char *const names[] = {HEAD_FIELDS(HEAD_NAME)};
#undef HEAD_NAME

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct span trim(struct span text)
{
    for (; text.len > 0 && is_blank(text.at[0]); text.len--)
        text.at++;
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

/* Like head_cut, but with the blanks. */
static struct span cut_raw(struct span *text, char separator)
{
    const char *at = text->len == 0 ? NULL : memchr(text->at, separator, text->len);
    struct span part = {text->at, at == NULL ? text->len : (size_t)(at - text->at)};
    size_t used = at == NULL ? part.len : part.len + 1;
    *text = (struct span){used == 0 ? text->at : text->at + used, text->len - used};
    return part;
}

struct span head_cut(struct span *text, char separator)
{
    return trim(cut_raw(text, separator));
}

bool head_is(struct span text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

bool head_has(struct span list, const char *word)
{
    while (list.len > 0)
        if (head_is(head_cut(&list, ','), word))
            return true;
    return false;
}

/* RFC 9110 5.6.2 */
static bool is_token(struct span text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return text.len > 0;
}

static bool is_printable(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* One line without its end, which must be CR LF. */
static bool cut_line(struct span *line, struct span *text)
{
    *line = cut_raw(text, '\n');
    if (line->len == 0 || line->at[line->len - 1] != '\r')
        return false;
    line->len--;
    return is_printable(*line);
}

/* RFC 9112 3.2: a path, or a whole URL as proxies get it. */
static bool parse_target(struct span *path, struct span target)
{
    if (target.len > 7 && strncasecmp(target.at, "http://", 7) == 0) {
        const char *at = memchr(target.at + 7, '/', target.len - 7);
        if (at == NULL)
            target = SPAN("/");
        else
            target = (struct span){at, target.len - (size_t)(at - target.at)};
    }
    *path = cut_raw(&target, '?');
    return path->len > 0 && path->at[0] == '/';
}

static bool parse_request_line(struct head *head, struct span line)
{
    head->method = cut_raw(&line, ' ');
    struct span target = cut_raw(&line, ' ');
    head->is_1_0 = span_eq(line, SPAN("HTTP/1.0"));
    return is_token(head->method) && parse_target(&head->path, target) &&
           (head->is_1_0 || span_eq(line, SPAN("HTTP/1.1")));
}

/* RFC 9110 5.3: a field that comes again goes on. */
static void add(struct span *field, struct arena *arena, struct span value)
{
    if (field->at == NULL) {
        *field = value;
        return;
    }
    char *joined = arena_alloc(arena, field->len + 2 + value.len);
    memcpy(joined, field->at, field->len);
    joined[field->len] = ',';
    joined[field->len + 1] = ' ';
    if (value.len > 0)
        memcpy(joined + field->len + 2, value.at, value.len);
    *field = (struct span){joined, field->len + 2 + value.len};
}

static bool parse_field(struct head *head, struct arena *arena, struct span line)
{
    struct span name = cut_raw(&line, ':');
    if (!is_token(name) || name.at + name.len == line.at) /* no colon */
        return false;
    for (size_t i = 0; i < HEAD_FIELD_COUNT; i++)
        if (head_is(name, names[i]))
            add(&head->fields[i], arena, trim(line));
    return true;
}

enum head_result head_parse(struct head *head, struct arena *arena, struct span bytes, size_t *used)
{
    *head = (struct head){0};
    const char *end = bytes.len == 0 ? NULL : memmem(bytes.at, bytes.len, "\r\n\r\n", 4);
    if (end == NULL)
        return bytes.len < HEAD_BYTES_MAX ? HEAD_PARTIAL : HEAD_TOO_LONG;
    struct span text = {bytes.at, (size_t)(end - bytes.at) + 2};
    struct span line;
    *used = text.len + 2;
    if (*used > HEAD_BYTES_MAX)
        return HEAD_TOO_LONG;
    if (!cut_line(&line, &text) || !parse_request_line(head, line))
        return HEAD_WRONG;
    while (text.len > 0)
        if (!cut_line(&line, &text) || !parse_field(head, arena, line))
            return HEAD_WRONG;
    return HEAD_DONE;
}

#include "relay/option.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/log.h"
#include "shared/err.h"
#include "shared/text.h"
#include "shared/utf8.h"

/* NAME_MAX bounds what is compared; SHOWN_MAX what of the user's text is shown. */
enum { NAME_CHARS_MAX = 63, SHOWN_MAX = 24, NEAR_MAX = 2 };

static const struct {
    const char *name;
    enum log_level level;
} levels[] = {{"error", LOG_LEVEL_ERROR},
              {"warning", LOG_LEVEL_WARNING},
              {"info", LOG_LEVEL_INFO},
              {"debug", LOG_LEVEL_DEBUG}};

static char to_lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return c;
}

static char to_upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - ('a' - 'A'));
    return c;
}

/* All spellings to the one in the file. False when it is no spelling of any name. */
static bool normalize(char out[NAME_CHARS_MAX + 1], const char *name)
{
    bool in_environment = strncmp(name, OPTION_ENVIRONMENT, strlen(OPTION_ENVIRONMENT)) == 0;
    if (in_environment)
        name += strlen(OPTION_ENVIRONMENT);
    else if (strncmp(name, "--", 2) == 0)
        name += 2;

    size_t len = strlen(name);
    if (len > NAME_CHARS_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        if (c != (in_environment ? to_upper(c) : to_lower(c)))
            return false;
        out[i] = to_lower(c);
        if (c == '-')
            out[i] = '_';
    }
    out[len] = '\0';
    return true;
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein: insertions, deletions and replacements from a to b. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_CHARS_MAX + 1];
    size_t len = strlen(b);
    assert(len <= NAME_CHARS_MAX);
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = min_of(replaced, min_of(row[j], row[j - 1]) + 1);
        }
    }
    return row[len];
}

const struct option *option_find(const struct option *table, size_t count, const char *name,
                                 struct err *err)
{
    char wanted[NAME_CHARS_MAX + 1] = "";
    const char *near = NULL;
    size_t nearest = NEAR_MAX + 1;
    bool spelled = normalize(wanted, name);

    for (size_t i = 0; spelled && i < count; i++) {
        size_t away = distance(wanted, table[i].name);
        if (away == 0)
            return &table[i];
        if (away < nearest && away < strlen(table[i].name)) {
            nearest = away;
            near = table[i].name;
        }
    }
    if (near != NULL)
        err_fill(err, ERR_INVALID, "unknown setting '%.40s', did you mean %s?", name, near);
    else
        err_fill(err, ERR_INVALID, "unknown setting '%.60s'", name);
    return NULL;
}

static bool set_bool(bool *out, const char *name, const char *value, struct err *err)
{
    bool is_yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;
    if (!is_yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0)
        return err_set(err, ERR_INVALID, "%.44s: expected yes or no, got '%.*s'", name, SHOWN_MAX,
                       value);
    *out = is_yes;
    return true;
}

static bool set_integer(int64_t *out, const struct option *option, const char *name,
                        const char *value, struct err *err)
{
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    bool is_number = (isdigit((unsigned char)value[0]) || value[0] == '-') && *end == '\0';
    if (!is_number || errno != 0 || number < option->min || number > option->max)
        return err_set(err, ERR_INVALID, "%.44s: expected %" PRId64 " to %" PRId64 ", got '%.*s'",
                       name, option->min, option->max, SHOWN_MAX, value);
    *out = number;
    return true;
}

static bool set_level(int64_t *out, const char *name, const char *value, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (strcmp(levels[i].name, value) == 0) {
            *out = levels[i].level;
            return true;
        }
    return err_set(err, ERR_INVALID, "%.44s: expected error, warning, info or debug, got '%.*s'",
                   name, SHOWN_MAX, value);
}

static bool set_text(char *out, size_t size, const char *name, struct span value, struct err *err)
{
    while (value.len > 0 && isspace((unsigned char)value.at[0])) {
        value.at++;
        value.len--;
    }
    while (value.len > 0 && isspace((unsigned char)value.at[value.len - 1]))
        value.len--;
    if (value.len >= size)
        return err_set(err, ERR_INVALID, "%.44s: expected at most %zu bytes, got %zu", name,
                       size - 1, value.len);
    for (size_t i = 0, size_here = 0; i < value.len; i += size_here) {
        size_here = utf8_size(value.at + i, value.at + value.len);
        if (size_here == 0 || (unsigned char)value.at[i] < ' ' || value.at[i] == '\x7f')
            return err_set(err, ERR_INVALID, "%.44s: expected a line of UTF-8, got byte 0x%02x",
                           name, (unsigned char)value.at[i]);
    }
    memcpy(out, value.at, value.len);
    out[value.len] = '\0';
    return true;
}

static bool set_word(char *out, const struct option *option, const char *name, const char *value,
                     struct err *err)
{
    size_t len = strlen(value);
    bool is_word = len > 0 && (int64_t)len <= option->max && !isdigit((unsigned char)value[0]);
    for (size_t i = 0; is_word && i < len; i++)
        is_word =
            islower((unsigned char)value[i]) || isdigit((unsigned char)value[i]) || value[i] == '_';
    if (!is_word)
        return err_set(err, ERR_INVALID,
                       "%.30s: expected 1 to %" PRId64 " of a-z, 0-9 and _, got '%.*s'", name,
                       option->max, SHOWN_MAX, value);
    assert(len < option->size);
    memcpy(out, value, len + 1);
    return true;
}

bool option_set(const struct option *option, void *fields, const char *name, const char *value,
                struct err *err)
{
    void *field = (char *)fields + option->offset;
    switch (option->type) {
    case OPTION_BOOL:
        return set_bool(field, name, value, err);
    case OPTION_INTEGER:
        return set_integer(field, option, name, value, err);
    case OPTION_LEVEL:
        return set_level(field, name, value, err);
    case OPTION_TEXT:
        return set_text(field, option->size, name, (struct span){value, strlen(value)}, err);
    case OPTION_WORD:
        return set_word(field, option, name, value, err);
    }
    abort();
}

static const char *level_name(int64_t level)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (levels[i].level == level)
            return levels[i].name;
    abort();
}

void option_write_value(struct text *out, const struct option *option, const void *fields)
{
    const void *field = (const char *)fields + option->offset;
    switch (option->type) {
    case OPTION_BOOL:
        text_addf(out, "%s", *(const bool *)field ? "yes" : "no");
        return;
    case OPTION_INTEGER:
        text_addf(out, "%" PRId64, *(const int64_t *)field);
        return;
    case OPTION_LEVEL:
        text_addf(out, "%s", level_name(*(const int64_t *)field));
        return;
    case OPTION_TEXT:
    case OPTION_WORD:
        text_addf(out, "%s", (const char *)field);
        return;
    }
}

void option_write_range(struct text *out, const struct option *option)
{
    switch (option->type) {
    case OPTION_BOOL:
        text_addf(out, "yes or no");
        return;
    case OPTION_INTEGER:
        text_addf(out, "%" PRId64 " to %" PRId64, option->min, option->max);
        return;
    case OPTION_LEVEL:
        text_addf(out, "error, warning, info or debug");
        return;
    case OPTION_TEXT:
        text_addf(out, "text");
        return;
    case OPTION_WORD:
        text_addf(out, "1 to %" PRId64 " of a-z, 0-9 and _", option->max);
        return;
    }
}

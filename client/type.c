#include "client/type.h"

#include "shared/err.h"
#include "shared/hex.h"
#include "shared/number.h"
#include "shared/text.h"

enum { HEX_CHARS = 64, DATE_CHARS = 10 };

#define MEMORY_KINDS \
    "episodic semantic procedural factual preference identity relationship goal project"

static const struct type_field memory[] = {
    {"text", TYPE_TEXT, true, NULL},
    {"kind", TYPE_CHOICE, true, MEMORY_KINDS},
    {"strength", TYPE_NUMBER, false, NULL},
    {"status", TYPE_CHOICE, false, "fresh consolidated faded"},
    {"tags", TYPE_SET, false, NULL},
    {"links", TYPE_LINKS, false, NULL},
    {NULL, TYPE_TEXT, false, NULL}};
static const struct type_field note[] = {{"title", TYPE_TEXT, false, NULL},
                                         {"tags", TYPE_SET, false, NULL},
                                         {"links", TYPE_LINKS, false, NULL},
                                         {NULL, TYPE_TEXT, false, NULL}};
static const struct type_field task[] = {
    {"title", TYPE_TEXT, true, NULL},       {"status", TYPE_CHOICE, false, "open done dropped"},
    {"due", TYPE_TIME, false, NULL},        {"priority", TYPE_COUNT, false, NULL},
    {"assignee", TYPE_PERSON, false, NULL}, {"tags", TYPE_SET, false, NULL},
    {"links", TYPE_LINKS, false, NULL},     {NULL, TYPE_TEXT, false, NULL}};
static const struct type_field profile[] = {
    {"name", TYPE_TEXT, false, NULL},    {"about", TYPE_TEXT, false, NULL},
    {"picture", TYPE_TEXT, false, NULL}, {"nip05", TYPE_TEXT, false, NULL},
    {"bot", TYPE_FLAG, false, NULL},     {NULL, TYPE_TEXT, false, NULL}};
static const struct type_field none[] = {{NULL, TYPE_TEXT, false, NULL}};

static const struct type types[] = {
    {"note", "a page, whose text shoal doc edits", NULL, note},
    {"task", "something to be done", NULL, task},
    {"memory", "what is to be recalled; sealed to yourself unless you say otherwise", NULL, memory},
    {"unit", "a piece of knowledge, and what it was derived from", "unit save", none},
    {"profile", "who you are", "profile set", profile},
    {"follows", "whom you follow; friends are those who follow back", "follow add", none},
    {"message", "part of a conversation between some", "dm send", none},
    {"conversation", "what the members of a circle say", "circle say", none},
    {"circle", "people who share things", "circle new", none},
};

const struct type *type_at(size_t index)
{
    return index < ARRAY_LEN(types) ? &types[index] : NULL;
}

static bool is_called(struct span name, const char *called)
{
    return name.len == strlen(called) && memcmp(name.at, called, name.len) == 0;
}

const struct type *type_find(struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (is_called(name, types[i].name))
            return &types[i];
    return NULL;
}

/* ---- values ---- */

static bool is_string(struct span value)
{
    return value.len >= 2 && value.at[0] == '"';
}

static struct span inside(struct span value)
{
    return (struct span){value.at + 1, value.len - 2};
}

static bool is_chosen(struct span value, const char *choices)
{
    while (is_string(value) && *choices != '\0') {
        size_t len = strcspn(choices, " ");
        if (span_eq(inside(value), (struct span){choices, len}))
            return true;
        choices += len + (choices[len] == ' ');
    }
    return false;
}

/* Canonical JSON writes what lies from 0 to 1 as 0, 1, 0.5 or 1e-7. */
static bool is_part(struct span value)
{
    if (span_eq(value, SPAN("0")) || span_eq(value, SPAN("1")))
        return true;
    if (value.len > 2 && value.at[0] == '0' && value.at[1] == '.')
        return true;
    const char *power = memchr(value.at, 'e', value.len);
    return !is_string(value) && value.at[0] != '-' && power != NULL &&
           power + 1 < value.at + value.len && power[1] == '-';
}

static bool is_time(struct span value)
{
    static const char form[] = "dddd-dd-dd";
    struct span text = inside(value);
    for (size_t i = 0; i < DATE_CHARS && text.len >= DATE_CHARS; i++)
        if (form[i] == 'd' ? text.at[i] < '0' || text.at[i] > '9' : text.at[i] != form[i])
            return false;
    return text.len == DATE_CHARS || (text.len > DATE_CHARS && text.at[DATE_CHARS] == 'T');
}

static bool is_right(const struct type_field *field, struct span value)
{
    struct bytes32 key;
    int64_t number;
    switch (field->form) {
    case TYPE_TEXT:
    case TYPE_SET:
        return is_string(value);
    case TYPE_NUMBER:
        return is_part(value);
    case TYPE_COUNT:
        return number_end(value.at, value.at + value.len) == value.at + value.len &&
               number_value(&number, value);
    case TYPE_FLAG:
        return span_eq(value, SPAN("true")) || span_eq(value, SPAN("false"));
    case TYPE_CHOICE:
        return is_chosen(value, field->choices);
    case TYPE_TIME:
        return is_string(value) && is_time(value);
    case TYPE_PERSON:
        return value.len == HEX_CHARS + 2 && hex_decode(key.at, sizeof key.at, inside(value));
    case TYPE_LINKS:
        return value.len > 2 && value.at[0] == '{';
    }
    return false;
}

static const char *form_words(const struct type_field *field)
{
    switch (field->form) {
    case TYPE_TEXT:
        return "a text";
    case TYPE_NUMBER:
        return "a number from 0 to 1, as in strength:=0.5";
    case TYPE_COUNT:
        return "a whole number, as in priority:=2";
    case TYPE_FLAG:
        return "true or false, as in bot:=true";
    case TYPE_CHOICE:
        return field->choices;
    case TYPE_TIME:
        return "a day, as in 2026-11-21";
    case TYPE_PERSON:
        return "a public key in hex";
    case TYPE_SET:
        return "texts, as in tags+=fish";
    case TYPE_LINKS:
        return "what shoal link says";
    }
    return "";
}

bool type_check(const struct type *type, struct span field, struct span value, struct err *err)
{
    if (type == NULL)
        return true;
    for (const struct type_field *known = type->fields; known->name != NULL; known++)
        if (is_called(field, known->name) && !is_right(known, value))
            return err_set(err, ERR_INVALID, "%s of a %s: expected %s", known->name, type->name,
                           form_words(known));
    return true;
}

bool type_complete(const struct type *type, bool (*has)(void *owner, struct span field),
                   void *owner, struct err *err)
{
    if (type == NULL)
        return true;
    for (const struct type_field *known = type->fields; known->name != NULL; known++)
        if (known->is_needed && !has(owner, (struct span){known->name, strlen(known->name)}))
            return err_set(err, ERR_INVALID, "a %s wants its %s", type->name, known->name);
    return true;
}

/* ---- words ---- */

static void describe_fields(struct text *out, const struct type *type)
{
    for (const struct type_field *field = type->fields; field->name != NULL; field++) {
        if (field->form == TYPE_CHOICE)
            text_addf(out, "              %s%s: %s\n", field->name,
                      field->is_needed ? " (needed)" : "", field->choices);
        else
            text_addf(out, "              %s%s: %s\n", field->name,
                      field->is_needed ? " (needed)" : "", form_words(field));
    }
}

void type_describe(struct text *out)
{
    text_add(out,
             SPAN("types, and what is known of their fields; any other may be made as well:\n"));
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        text_addf(out, "  %-10s  %s", types[i].name, types[i].help);
        if (types[i].made_by != NULL)
            text_addf(out, " (shoal %s)", types[i].made_by);
        text_add(out, SPAN("\n"));
        if (types[i].made_by == NULL)
            describe_fields(out, &types[i]);
    }
}

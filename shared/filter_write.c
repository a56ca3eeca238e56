#include "shared/filter.h"
#include "shared/text.h"

/* Begins a member, of which nothing is written yet after "{". */
static void add_name(struct text *out, const char *name)
{
    text_addf(out, "%s\"%s\":", out->at[out->len - 1] == '{' ? "" : ",", name);
}

static void add_keys(struct text *out, const char *name, const struct filter_keys *keys)
{
    if (keys->count == 0)
        return;
    add_name(out, name);
    for (uint32_t i = 0; i < keys->count; i++) {
        text_add(out, i == 0 ? SPAN("[\"") : SPAN(",\""));
        text_add_hex(out, keys->at[i].at, sizeof keys->at[i].at);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("]"));
}

/* The conditions on one letter, from the first on: how many. */
static uint32_t tags_of_letter(const struct filter *filter, uint32_t first)
{
    uint32_t count = 1;
    while (first + count < filter->tag_count &&
           filter->tags[first + count].letter == filter->tags[first].letter)
        count++;
    return count;
}

/* How many of the conditions on one letter are written together, as "&x": the single values that
 * are not alone. */
static uint32_t all_of_letter(const struct filter_tag *tags, uint32_t count)
{
    uint32_t all = 0;
    while (count > 1 && all < count && tags[all].count == 1)
        all++;
    return all;
}

static void add_list(struct text *out, char sign, const struct filter_tag *tags, uint32_t count)
{
    char mark = '[';
    add_name(out, (char[]){sign, tags->letter, '\0'});
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < tags[i].count; j++) {
            text_add(out, SPAN_OF(mark));
            text_add_json(out, tags[i].values[j]);
            mark = ',';
        }
    text_add(out, SPAN("]"));
}

static void add_tags(struct text *out, const struct filter *filter)
{
    for (uint32_t i = 0, count; i < filter->tag_count; i += count) {
        const struct filter_tag *tags = &filter->tags[i];
        count = tags_of_letter(filter, i);
        uint32_t all = all_of_letter(tags, count);
        if (all > 0)
            add_list(out, '&', tags, all);
        if (all < count)
            add_list(out, '#', &tags[all], 1);
    }
}

static void add_integer(struct text *out, const char *name, int64_t value, int64_t absent)
{
    if (value == absent)
        return;
    add_name(out, name);
    text_addf(out, "%lld", (long long)value);
}

static bool writes(const struct filter *filter, char sign, char letter)
{
    for (uint32_t i = 0, count; i < filter->tag_count; i += count) {
        count = tags_of_letter(filter, i);
        if (filter->tags[i].letter != letter)
            continue;
        uint32_t all = all_of_letter(&filter->tags[i], count);
        return sign == '&' ? all > 0 : all < count;
    }
    return false;
}

/* The list that is empty is not known any more; one that is absent takes its place. There is one:
 * no more lists are written than were read with a value in them. */
static void add_empty_list(struct text *out, const struct filter *filter)
{
    if (filter->ids.count == 0)
        add_name(out, "ids");
    else if (filter->authors.count == 0)
        add_name(out, "authors");
    else if (filter->kinds.count == 0)
        add_name(out, "kinds");
    else {
        char name[] = "#A";
        while (writes(filter, name[0], name[1])) {
            if (name[1] == 'z')
                name[0] = '&';
            name[1] = (char)(name[1] == 'Z' ? 'a' : name[1] == 'z' ? 'A' : name[1] + 1);
        }
        add_name(out, name);
    }
    text_add(out, SPAN("[]"));
}

void filter_write(struct text *out, const struct filter *filter)
{
    text_add(out, SPAN("{"));
    add_keys(out, "ids", &filter->ids);
    add_keys(out, "authors", &filter->authors);
    for (uint32_t i = 0; i < filter->kinds.count; i++) {
        if (i == 0)
            add_name(out, "kinds");
        text_addf(out, "%c%u", i == 0 ? '[' : ',', filter->kinds.at[i]);
    }
    if (filter->kinds.count > 0)
        text_add(out, SPAN("]"));
    add_tags(out, filter);
    if (filter->search.len > 0) {
        add_name(out, "search");
        text_add_json(out, filter->search);
    }
    add_integer(out, "since", filter->since, 0);
    add_integer(out, "until", filter->until, INT64_MAX);
    add_integer(out, "limit", filter->limit, FILTER_NO_LIMIT);
    if (filter->matches_nothing)
        add_empty_list(out, filter);
    text_add(out, SPAN("}"));
}

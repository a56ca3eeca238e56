#include "relay/retention.h"

#include "shared/err.h"
#include "shared/kind.h"

enum { NUMBER_DIGITS_MAX = 10 };

/* What is parsed of a rule; at stops at its end. */
struct reading {
    const char *at, *end;
};

static bool read_number(struct reading *reading, int64_t *number)
{
    const char *begin = reading->at;
    *number = 0;
    for (; reading->at < reading->end && *reading->at >= '0' && *reading->at <= '9'; reading->at++)
        if (reading->at - begin < NUMBER_DIGITS_MAX)
            *number = 10 * *number + (*reading->at - '0');
    return reading->at > begin && reading->at - begin <= NUMBER_DIGITS_MAX;
}

static bool read_mark(struct reading *reading, char mark)
{
    if (reading->at == reading->end || *reading->at != mark)
        return false;
    reading->at++;
    return true;
}

static bool read_kind(struct reading *reading, uint16_t *kind)
{
    int64_t number;
    if (!read_number(reading, &number) || number > UINT16_MAX)
        return false;
    *kind = (uint16_t)number;
    return true;
}

/* 0, or a number and what it counts. */
static bool read_age(struct reading *reading, int64_t *age_s)
{
    static const struct {
        char letter;
        int32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}, {'y', 31536000}};
    if (!read_number(reading, age_s))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!read_mark(reading, units[i].letter))
            continue;
        *age_s *= units[i].seconds;
        return true;
    }
    return *age_s == 0;
}

static bool read_rule(struct retention_rule *rule, struct reading *reading)
{
    if (!read_kind(reading, &rule->first))
        return false;
    rule->last = rule->first;
    if (read_mark(reading, '-') && !read_kind(reading, &rule->last))
        return false;
    return rule->first <= rule->last && read_mark(reading, '=') &&
           read_age(reading, &rule->age_s) && reading->at == reading->end;
}

bool retention_parse(struct retention *retention, int64_t age_s, const char *rules, struct err *err)
{
    static const char separators[] = " ,\t";
    *retention = (struct retention){.age_s = age_s};
    for (const char *at = rules + strspn(rules, separators); *at != '\0';) {
        size_t len = strcspn(at, separators);
        struct reading reading = {at, at + len};
        if (retention->count == RETENTION_RULES_MAX)
            return err_set(err, ERR_INVALID, "retention_kinds: more than %d rules",
                           RETENTION_RULES_MAX);
        if (!read_rule(&retention->rules[retention->count++], &reading))
            return err_set(err, ERR_INVALID,
                           "retention_kinds: '%.*s' is no rule like 7=30d or 20000-29999=1h",
                           (int)(len < 40 ? len : 40), at);
        at += len + strspn(at + len, separators);
    }
    return true;
}

int64_t retention_age(const struct retention *retention, uint16_t kind)
{
    for (uint32_t i = 0; i < retention->count; i++)
        if (retention->rules[i].first <= kind && kind <= retention->rules[i].last)
            return retention->rules[i].age_s;
    enum kind_class class = kind_class(kind);
    bool stays = class == KIND_REPLACEABLE || class == KIND_ADDRESSABLE || kind == KIND_DELETION ||
                 kind == KIND_VANISH;
    return stays ? 0 : retention->age_s;
}

int64_t retention_age_min(const struct retention *retention)
{
    int64_t least = retention->age_s;
    for (uint32_t i = 0; i < retention->count; i++) {
        int64_t age_s = retention->rules[i].age_s;
        if (age_s > 0 && (least == 0 || age_s < least))
            least = age_s;
    }
    return least;
}

#include "relay/kind_set.h"

#include "shared/err.h"
#include "shared/number.h"

static const char separators[] = " \t,";

static bool read_kind(uint16_t *kind, struct span word)
{
    int64_t value;
    if (!number_decimal(&value, word) || value > UINT16_MAX)
        return false;
    *kind = (uint16_t)value;
    return true;
}

static bool read_range(struct kind_set *set, struct span word)
{
    const char *dash = memchr(word.at, '-', word.len);
    size_t len = dash != NULL ? (size_t)(dash - word.at) : word.len;
    uint16_t first, last;
    if (!read_kind(&first, (struct span){word.at, len}))
        return false;
    last = first;
    if (dash != NULL && !read_kind(&last, (struct span){dash + 1, word.len - len - 1}))
        return false;
    for (uint32_t kind = first; kind <= last; kind++) {
        set->count += !kind_set_has(set, (uint16_t)kind);
        set->bits[kind / 64] |= (uint64_t)1 << (kind % 64);
    }
    return first <= last;
}

bool kind_set_read(struct kind_set *set, const char *text, struct err *err)
{
    *set = (struct kind_set){0};
    for (text += strspn(text, separators); *text != '\0'; text += strspn(text, separators)) {
        struct span word = {text, strcspn(text, separators)};
        if (!read_range(set, word))
            return err_set(err, ERR_INVALID, "'%.*s' is no kind, and no range of kinds",
                           word.len < 40 ? (int)word.len : 40, word.at);
        text += word.len;
    }
    return true;
}

#include "gpu/stopper.h"

void stopper_clear(struct stopper *stopper)
{
    text_clear(&stopper->held);
}

/* Where a stop string begins in the text, whole or as far as the text goes. Its end otherwise. */
static size_t find(const struct stopper *stopper, bool *is_whole)
{
    const struct text *text = &stopper->held;
    *is_whole = false;
    for (size_t at = 0; at < text->len; at++) {
        bool may_begin = false;
        for (size_t i = 0; i < stopper->count; i++) {
            struct span string = stopper->strings[i];
            size_t len = text->len - at < string.len ? text->len - at : string.len;
            bool is_equal = memcmp(text->at + at, string.at, len) == 0;
            *is_whole = *is_whole || (is_equal && len == string.len);
            may_begin = may_begin || is_equal;
        }
        if (may_begin)
            return at;
    }
    return text->len;
}

static void tell(struct stopper *stopper, struct text *out, size_t len)
{
    struct text *held = &stopper->held;
    if (len == 0)
        return;
    text_add(out, (struct span){held->at, len});
    memmove(held->at, held->at + len, held->len - len);
    held->len -= len;
}

bool stopper_add(struct stopper *stopper, struct text *out, struct span piece)
{
    bool is_whole;
    if (stopper->has_stopped)
        return false;
    text_add(&stopper->held, piece);
    tell(stopper, out, find(stopper, &is_whole));
    stopper->has_stopped = is_whole;
    return !is_whole;
}

void stopper_end(struct stopper *stopper, struct text *out)
{
    if (!stopper->has_stopped)
        tell(stopper, out, stopper->held.len);
    stopper->has_stopped = true;
}

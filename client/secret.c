#include "client/secret.h"

#include <sodium.h>
#include <stdlib.h>
#include <utf8proc.h>

void *secret_new(size_t size)
{
    if (sodium_init() < 0)
        abort();
    void *at = sodium_malloc(size);
    if (at == NULL)
        abort();
    sodium_memzero(at, size);
    return at;
}

void secret_free(void *at)
{
    sodium_free(at);
}

void secret_wipe(void *at, size_t size)
{
    sodium_memzero(at, size);
}

char *secret_normal(struct span text, enum secret_form form)
{
    enum { CODEPOINTS_MAX = 4 * SECRET_TEXT_MAX }; /* a decomposition is composed again */
    utf8proc_option_t options =
        form == SECRET_NFKC
            ? UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE
            : (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE);
    if (text.len > SECRET_TEXT_MAX || memchr(text.at, '\0', text.len) != NULL)
        return NULL;

    utf8proc_int32_t *points = secret_new(CODEPOINTS_MAX * sizeof *points);
    utf8proc_ssize_t count =
        utf8proc_decompose((const utf8proc_uint8_t *)text.at, (utf8proc_ssize_t)text.len, points,
                           CODEPOINTS_MAX, options);
    char *out = NULL;
    if (count >= 0 && count < CODEPOINTS_MAX) { /* reencode adds a NUL */
        utf8proc_ssize_t len = utf8proc_reencode(points, count, options);
        if (len >= 0 && len <= SECRET_TEXT_MAX) {
            out = secret_new(SECRET_TEXT_MAX + 1);
            memcpy(out, points, (size_t)len);
        }
    }
    secret_free(points);
    return out;
}

/* Any bytes: what is taken for a relay's URL is within its bounds, and equals itself in
 * capitals. */
#include <assert.h>
#include <stdlib.h>

#include "shared/err.h"
#include "shared/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Scheme and host may be written in any case; what follows may not. */
static void check_case(const struct url *url, struct span text)
{
    struct url loud;
    char *copy = malloc(text.len);
    assert(copy != NULL);
    memcpy(copy, text.at, text.len);
    size_t end = url->path.len > 0 ? (size_t)(url->path.at - text.at) : text.len;
    for (size_t i = 0; i < end; i++)
        if (copy[i] >= 'a' && copy[i] <= 'z')
            copy[i] = (char)(copy[i] - 'a' + 'A');
    bool is_url = url_parse(&loud, (struct span){copy, text.len}, NULL);
    assert(is_url && url_equal(url, &loud));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    struct err err = {.text = {0}};
    struct url url;
    if (!url_parse(&url, text, &err)) {
        assert(err.code == ERR_INVALID && err.text[0] != '\0');
        return 0;
    }
    assert(strlen(url.host) > 0 && strlen(url.host) <= URL_HOST_MAX && url.port > 0);
    assert(url.path.len == 0 || (url.path.at >= text.at && url.path.at < text.at + text.len));
    assert(url_equal(&url, &url));
    /* Bytes after '#' are no part of it, and may be in any case as well. */
    if (memchr(text.at, '#', text.len) == NULL)
        check_case(&url, text);
    return 0;
}

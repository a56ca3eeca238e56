#include "client/apikey.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <strings.h>

#include "shared/err.h"
#include "shared/sig.h"

static struct span trim(struct span text)
{
    while (text.len > 0 && strchr(" \t\r", text.at[0]) != NULL) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r", text.at[text.len - 1]) != NULL)
        text.len--;
    return text;
}

/* The next key of a file's text; empty when there is none. */
static struct span next_key(struct span *text)
{
    while (text->len > 0) {
        const char *end = memchr(text->at, '\n', text->len);
        size_t len = end != NULL ? (size_t)(end - text->at) : text->len;
        struct span line = trim((struct span){text->at, len});
        text->at += len + (end != NULL);
        text->len -= len + (end != NULL);
        if (line.len > 0 && line.at[0] != '#')
            return line;
    }
    return (struct span){0};
}

typedef bool use_fn(void *owner, const char *path, struct span text, struct err *err);

static bool add_keys(void *owner, const char *path, struct span text, struct err *err)
{
    struct apikey_list *list = owner;
    for (struct span key; (key = next_key(&text)).len > 0;) {
        if (list->count == APIKEY_COUNT_MAX)
            return err_set(err, ERR_INVALID, "%.60s: more than %d keys", path, APIKEY_COUNT_MAX);
        list->hashes[list->count++] = sig_sha256(key);
    }
    return list->count > 0 || err_set(err, ERR_INVALID, "%.60s: no key in it", path);
}

static bool copy_key(void *owner, const char *path, struct span text, struct err *err)
{
    struct span key = next_key(&text);
    if (key.len == 0 || key.len > APIKEY_BYTES_MAX)
        return err_set(err, ERR_INVALID, "%.60s: no key in it, or one past %d bytes", path,
                       APIKEY_BYTES_MAX);
    snprintf(owner, APIKEY_BYTES_MAX + 1, "%.*s", SPAN_ARG(key));
    return true;
}

/* Nothing of the file is left in memory but what is taken from it. */
static bool read_file(const char *path, use_fn *use, void *owner, struct err *err)
{
    char bytes[APIKEY_FILE_BYTES_MAX + 1];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(err, ERR_INVALID, "%.80s: cannot be read", path);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    bool ok = len <= APIKEY_FILE_BYTES_MAX;
    if (ok)
        ok = use(owner, path, (struct span){bytes, len}, err);
    else
        err_fill(err, ERR_INVALID, "%.80s: more than %d bytes", path, APIKEY_FILE_BYTES_MAX);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return ok;
}

bool apikey_read(struct apikey_list *list, const char *path, struct err *err)
{
    *list = (struct apikey_list){0};
    return read_file(path, add_keys, list, err);
}

bool apikey_read_own(char key[APIKEY_BYTES_MAX + 1], const char *path, struct err *err)
{
    return read_file(path, copy_key, key, err);
}

bool apikey_allows(const struct apikey_list *list, const char *authorization)
{
    bool is_known = list->count == 0;
    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
        return is_known;
    struct bytes32 hash =
        sig_sha256(trim((struct span){authorization + 7, strlen(authorization + 7)}));
    for (uint32_t i = 0; i < list->count; i++)
        is_known = CRYPTO_memcmp(&hash, list->hashes + i, sizeof hash) == 0 || is_known;
    return is_known;
}

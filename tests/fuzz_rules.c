/* Any bytes as an operator's lists: in the settings up to the first NUL, in a file after it. What
 * is read is of no more kinds and keys than there can be; what is not says why. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "relay/kind_set.h"
#include "relay/rules.h"
#include "shared/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_key(void *owner, const struct bytes32 *key)
{
    uint32_t *count = owner;
    assert(key != NULL);
    *count += 1;
}

/* No file but the one that we make. */
static char *setting_of(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    for (char *at = text; (at = strchr(at, '@')) != NULL;)
        *at = '_';
    return text;
}

static void read_setting(const char *text)
{
    const struct rules_setup setup = {"", text, "", text, text, 1};
    struct kind_set kinds;
    struct err err = {.text = ""};
    struct rules *rules = rules_new(&setup, &err);
    if (rules != NULL)
        rules_free(rules);
    else
        assert(err.text[0] != '\0');
    if (kind_set_read(&kinds, text, NULL))
        assert(kinds.count <= UINT16_MAX + 1);
}

static void read_file(const uint8_t *data, size_t size)
{
    char path[64];
    uint32_t count = 0;
    struct err err = {.text = ""};
    int file = memfd_create("rules", MFD_CLOEXEC);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "@/proc/self/fd/%d", file);
    if (rules_read_keys(path, count_key, &count, &err))
        assert((size_t)count * 63 <= size); /* an npub has 63 characters */
    else
        assert(err.text[0] != '\0');
    close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = setting_of(data, size);
    size_t len = strlen(text);
    read_setting(text);
    if (len < size)
        read_file(data + len + 1, size - len - 1);
    free(text);
    return 0;
}

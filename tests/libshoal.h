/* libshoal.h - what tests of libshoal share: keys, a folder of their own, and errors that are told.
 * begin and end are the group's. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "client/shoal.h"
#include "tests/folder.h"
#include "tests/test.h"

#define FIELD(name, json) \
    ((struct shoal_change[]){{.kind = SHOAL_SET, .key = name, .value = json}, {0}})

static char folder[64];
static char path[96];
static struct shoal_error error;
static struct shoal_keys *keys;

static inline const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline struct shoal_store *open_store(const char *name)
{
    struct shoal_store *store = shoal_store_open(in_folder(name), &error);
    if (store == NULL)
        fail_msg("%s", error.text);
    return store;
}

static inline void check(bool ok)
{
    if (!ok)
        fail_msg("%s", error.text);
}

static inline void expect_error(bool ok, enum shoal_error_code code)
{
    assert_false(ok);
    assert_int_equal(error.code, code);
    assert_true(error.text[0] != '\0');
    error = (struct shoal_error){0};
}

static inline int begin(void **state)
{
    (void)state;
    folder_make(folder, sizeof folder);
    keys = shoal_keys_new(&error);
    return keys == NULL;
}

static inline int end(void **state)
{
    (void)state;
    shoal_keys_free(keys);
    folder_remove(folder);
    return 0;
}

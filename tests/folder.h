/* folder.h - a temporary folder for a test, which an unprivileged user may pass through. */
#pragma once

#include <ftw.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void folder_make(char *out, size_t size)
{
    snprintf(out, size, "/tmp/shoal-test-XXXXXX");
    if (mkdtemp(out) == NULL || chmod(out, 0755) != 0)
        abort();
}

static inline int folder_remove_entry(const char *path, const struct stat *have, int type,
                                      struct FTW *walk)
{
    (void)have;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void folder_remove(const char *path)
{
    nftw(path, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS); // NOLINT(concurrency-mt-unsafe)
}

/* To the user that a relay started by root becomes; nothing to do for anybody else. */
static inline void folder_give(const char *path, const char *user)
{
    if (geteuid() != 0)
        return;
    const struct passwd *entry = getpwnam(user); // NOLINT(concurrency-mt-unsafe)
    if (entry == NULL || chown(path, entry->pw_uid, entry->pw_gid) != 0)
        abort();
}

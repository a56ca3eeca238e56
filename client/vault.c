#include "client/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/err.h"

enum { WORDS_BYTES_MAX = 8192, OTHERS = 077 };

static bool put_path(char path[VAULT_PATH_MAX], const char *begin, const char *end, struct err *err)
{
    if ((size_t)snprintf(path, VAULT_PATH_MAX, "%s%s", begin, end) >= VAULT_PATH_MAX)
        return err_set(err, ERR_INVALID, "a path of over %d bytes", VAULT_PATH_MAX - 1);
    return true;
}

bool vault_path(char path[VAULT_PATH_MAX], const char *named, struct err *err)
{
    const char *file = named != NULL ? named : secure_getenv("SHOAL_KEY_FILE");
    const char *config = secure_getenv("XDG_CONFIG_HOME"), *home = secure_getenv("HOME");
    if (file != NULL && file[0] != '\0')
        return put_path(path, file, "", err);
    if (config != NULL && config[0] == '/')
        return put_path(path, config, "/shoal/key", err);
    if (home == NULL)
        return err_set(err, ERR_INVALID, "no HOME to keep a key in: name a file with --key");
    return put_path(path, home, "/.config/shoal/key", err);
}

static bool fail(struct err *err, const char *path, const char *what)
{
    return err_set(err, ERR_INTERNAL, "cannot %s %.60s: %s", what, path, strerrordesc_np(errno));
}

/* Reads what is open, up to the end. */
static bool read_words(struct text *words, int fd, const char *path, struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return fail(err, path, "read");
    if ((status.st_mode & OTHERS) != 0)
        return err_set(err, ERR_RESTRICTED, "others may read %.60s: chmod 600 it", path);
    char bytes[WORDS_BYTES_MAX];
    ssize_t len = read(fd, bytes, sizeof bytes);
    if (len < 0)
        return fail(err, path, "read");
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == ' '))
        len--;
    text_add(words, (struct span){bytes, (size_t)len});
    return true;
}

static bool refuse_open(const char *path, struct err *err)
{
    if (errno == ENOENT)
        return err_set(err, ERR_RESTRICTED, "no identity in %.60s: shoal identity new", path);
    return fail(err, path, "open");
}

bool vault_read(struct vault *vault, const char *path, struct err *err)
{
    *vault = (struct vault){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse_open(path, err);
    bool ok = read_words(&vault->text, fd, path, err);
    close(fd);
    vault->word = text_span(&vault->text);
    const char *end = vault->word.len > 0 ? memchr(vault->word.at, '\n', vault->word.len) : NULL;
    if (end != NULL) {
        size_t len = (size_t)(end - vault->word.at);
        vault->bunker = (struct span){end + 1, vault->word.len - len - 1};
        vault->word.len = len;
    }
    return ok;
}

void vault_clear(struct vault *vault)
{
    text_clear(&vault->text);
}

/* Makes the folders that path is in. */
static bool make_folders(const char *path, struct err *err)
{
    char folder[VAULT_PATH_MAX];
    memcpy(folder, path, strlen(path) + 1);
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) != 0 && errno != EEXIST)
            return fail(err, folder, "make");
        *slash = '/';
    }
    return true;
}

static bool write_file(const char *path, struct span words, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(err, path, "write");
    bool ok = fchmod(fd, 0600) == 0 && write(fd, words.at, words.len) == (ssize_t)words.len &&
              write(fd, "\n", 1) == 1 && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    return ok || fail(err, path, "write");
}

/* The name itself is to last, too. */
static void sync_folder(const char *path)
{
    char folder[VAULT_PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL) {
        memcpy(folder, path, (size_t)(slash - path) + 1);
        folder[slash - path + 1] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

bool vault_refuse(const char *path, struct err *err)
{
    return err_set(err, ERR_RESTRICTED, "%.60s is there already: move it away, or --replace it",
                   path);
}

bool vault_write(const char *path, struct span words, bool may_replace, struct err *err)
{
    char fresh[VAULT_PATH_MAX];
    if (!put_path(fresh, path, ".new", err) || !make_folders(path, err) ||
        !write_file(fresh, words, err))
        return false;
    /* link, not rename, where there must be none: of two at once one wins, and is told */
    int failed = may_replace ? rename(fresh, path) : link(fresh, path);
    int reason = errno;
    if (!may_replace || failed != 0)
        unlink(fresh);
    errno = reason;
    if (failed != 0 && errno == EEXIST)
        return vault_refuse(path, err);
    if (failed != 0)
        return fail(err, path, "write");
    sync_folder(path);
    return true;
}

bool vault_absolute(char path[VAULT_PATH_MAX], const char *file, struct err *err)
{
    char *real = realpath(file, NULL);
    bool ok = real != NULL ? put_path(path, real, "", err) : refuse_open(file, err);
    free(real);
    return ok;
}

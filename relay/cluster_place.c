#include "relay/cluster_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/err.h"
#include "shared/hex.h"
#include "shared/sig.h"

#define SOCKET_NAME "/.s.PGSQL.5432"

static bool fits_socket(const char *folder)
{
    struct sockaddr_un address;
    return strlen(folder) + strlen(SOCKET_NAME) < sizeof address.sun_path;
}

/* A short name of its own for each data folder, where only its owner can put things. */
static void find_short_run(struct cluster_place *place)
{
    struct span path = {place->data_dir, strlen(place->data_dir)};
    struct bytes32 hash = sig_sha256(path);
    char name[17] = "";
    hex_encode(name, hash.at, 8);

    const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
    if (!place->drop.needed && runtime != NULL && runtime[0] == '/') {
        snprintf(place->run, sizeof place->run, "%s/shoal-%s", runtime, name);
        if (fits_socket(place->run))
            return;
    }
    snprintf(place->run, sizeof place->run, "/tmp/shoal-%u-%s", (unsigned)place->drop.uid, name);
}

bool cluster_place_find(struct cluster_place *place, const struct config *config, struct err *err)
{
    *place = (struct cluster_place){.lock = -1};
    if (!drop_find(&place->drop, config->user, err))
        return false;
    snprintf(place->data_dir, sizeof place->data_dir, "%s", config->data_dir);
    snprintf(place->postgres, sizeof place->postgres, "%s/postgres", config->data_dir);
    snprintf(place->unfinished, sizeof place->unfinished, "%s/postgres.new", config->data_dir);
    snprintf(place->run, sizeof place->run, "%s/run", config->data_dir);
    if (!fits_socket(place->run))
        find_short_run(place);
    return true;
}

static bool fail(struct err *err, const char *what, const char *path)
{
    const char *why = strerrordesc_np(errno);
    size_t len = strlen(path);
    return err_set(err, ERR_INTERNAL, "cannot %s %s: %s", what, len > 60 ? path + len - 60 : path,
                   why);
}

static bool make_parents(const char *path, struct err *err)
{
    char parent[CONFIG_TEXT_MAX];
    snprintf(parent, sizeof parent, "%s", path);
    for (char *slash = strchr(parent + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(parent, 0755) != 0 && errno != EEXIST)
            return fail(err, "make", parent);
        *slash = '/';
    }
    return true;
}

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;
    while (folder != NULL && readdir(folder) != NULL) // NOLINT(concurrency-mt-unsafe): our own DIR
        count++;
    if (folder != NULL)
        closedir(folder);
    return count == 2; /* . and .. */
}

/* The data folder: made, or taken as it is. Root gives away only what is new or empty. */
static bool take_data_dir(const struct cluster_place *place, struct err *err)
{
    const char *path = place->data_dir;
    struct stat have;
    if (!make_parents(path, err))
        return false;
    bool made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST)
        return fail(err, "make", path);
    if (stat(path, &have) != 0)
        return fail(err, "look at", path);
    if (!S_ISDIR(have.st_mode))
        return err_set(err, ERR_INTERNAL, "data_dir: %.80s is no folder", path);
    if (have.st_uid == place->drop.uid)
        return true;
    if (!place->drop.needed || (!made && !is_empty(path)))
        return err_set(err, ERR_INTERNAL, "data_dir: %.70s belongs to another user", path);
    if (chown(path, place->drop.uid, place->drop.gid) != 0 || chmod(path, 0700) != 0)
        return fail(err, "give away", path);
    return true;
}

/* lstat: a link here would be somebody's trap. */
static bool take_run(const struct cluster_place *place, struct err *err)
{
    struct stat have;
    if (mkdir(place->run, 0700) != 0 && errno != EEXIST)
        return fail(err, "make", place->run);
    if (lstat(place->run, &have) != 0)
        return fail(err, "look at", place->run);
    if (!S_ISDIR(have.st_mode) || have.st_uid != place->drop.uid || (have.st_mode & 077) != 0)
        return err_set(err, ERR_INTERNAL, "%.80s must be a folder of ours alone", place->run);
    return true;
}

static int open_lock(const struct cluster_place *place, int flags)
{
    char path[CLUSTER_PATH_MAX];
    snprintf(path, sizeof path, "%s/lock", place->data_dir);
    return open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
}

static const struct flock whole_file = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

static bool take_lock(struct cluster_place *place, struct err *err)
{
    struct flock lock = whole_file;
    place->lock = open_lock(place, O_CREAT);
    if (place->lock < 0)
        return fail(err, "open the lock in", place->data_dir);
    /* a lock of the process: children do not inherit it, so it goes when we do */
    if (fcntl(place->lock, F_SETLK, &lock) == 0)
        return true;
    pid_t holder = cluster_place_holder(place);
    cluster_place_release(place);
    return err_set(err, ERR_INTERNAL, "data_dir: %.50s is in use by another relay (process %d)",
                   place->data_dir, (int)holder);
}

bool cluster_place_take(struct cluster_place *place, struct err *err)
{
    if (!take_data_dir(place, err))
        return false;
    drop_begin(&place->drop);
    bool taken = take_lock(place, err) && take_run(place, err);
    drop_end(&place->drop);
    if (!taken)
        cluster_place_release(place);
    return taken;
}

void cluster_place_release(struct cluster_place *place)
{
    if (place->lock >= 0)
        close(place->lock);
    place->lock = -1;
}

pid_t cluster_place_holder(const struct cluster_place *place)
{
    struct flock lock = whole_file;
    drop_begin(&place->drop);
    int fd = open_lock(place, 0);
    drop_end(&place->drop);
    if (fd < 0)
        return 0;
    bool known = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return known ? lock.l_pid : 0;
}

int cluster_place_version(const struct cluster_place *place)
{
    char path[CLUSTER_PATH_MAX + 16];
    char digits[16] = "";
    snprintf(path, sizeof path, "%s/PG_VERSION", place->postgres);
    drop_begin(&place->drop);
    FILE *file = fopen(path, "re");
    drop_end(&place->drop);
    if (file == NULL)
        return 0;
    char *line = fgets(digits, sizeof digits, file);
    fclose(file);
    return line != NULL ? (int)strtol(line, NULL, 10) : 0;
}

static int remove_entry(const char *path, const struct stat *have, int type, struct FTW *walk)
{
    (void)have;
    (void)type;
    (void)walk;
    return remove(path);
}

bool cluster_place_remove(const struct cluster_place *place, const char *path, struct err *err)
{
    enum { FDS_MAX = 16 };
    drop_begin(&place->drop);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the only thread
    int failed = nftw(path, remove_entry, FDS_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    bool gone = failed == 0 || errno == ENOENT;
    if (!gone)
        fail(err, "remove", path);
    drop_end(&place->drop);
    return gone;
}

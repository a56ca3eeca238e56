#include "gpu/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/err.h"

/* Names the file by its end, which tells more than where it begins. */
static bool refuse(const char *path, const char *reason, struct err *err)
{
    enum { SHOWN = 60 };
    size_t len = strlen(path);
    bool is_cut = len > SHOWN;
    return err_set(err, ERR_INVALID, "%s%s: %s", is_cut ? "..." : "",
                   is_cut ? path + len - SHOWN : path, reason);
}

static int64_t nanoseconds(struct timespec time)
{
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

static bool map_file(struct mapping *mapping, int file, const char *path, struct err *err)
{
    struct stat stat;
    if (fstat(file, &stat) != 0)
        return refuse(path, strerrordesc_np(errno), err);
    if (S_ISDIR(stat.st_mode))
        return refuse(path, "is a folder", err);
    if (!S_ISREG(stat.st_mode))
        return refuse(path, "is no regular file", err);
    if (stat.st_size == 0)
        return refuse(path, "is empty", err);
    size_t size = (size_t)stat.st_size;
    void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED)
        return refuse(path, strerrordesc_np(errno), err);
    mapping->bytes = (struct span){bytes, size};
    mapping->identity = (struct mapping_identity){.device = stat.st_dev,
                                                  .inode = stat.st_ino,
                                                  .size = size,
                                                  .modified_ns = nanoseconds(stat.st_mtim),
                                                  .changed_ns = nanoseconds(stat.st_ctim)};
    return true;
}

bool mapping_open(struct mapping *mapping, const char *path, struct err *err)
{
    *mapping = (struct mapping){0};
    /* O_NONBLOCK: a pipe is refused, not waited for */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return refuse(path, strerrordesc_np(errno), err);
    bool ok = map_file(mapping, file, path, err);
    close(file);
    return ok;
}

void mapping_close(struct mapping *mapping)
{
    union {
        const char *kept;
        void *given;
    } bytes = {.kept = mapping->bytes.at};
    if (mapping->bytes.len > 0)
        munmap(bytes.given, mapping->bytes.len);
    *mapping = (struct mapping){0};
}

#include "tests/fault.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>

struct file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this */
};

static struct {
    sqlite3_vfs vfs, *real;
    enum fault fault;
    uint64_t left;
    bool happened;
} disk;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct file *)file)->real;
}

/* True when this write fails. */
static bool fails(void)
{
    if (disk.fault == FAULT_NONE)
        return false;
    if (disk.left > 0) {
        disk.left--;
        return false;
    }
    disk.happened = true;
    return true;
}

static int on_close(sqlite3_file *file)
{
    return real_of(file)->pMethods != NULL ? real_of(file)->pMethods->xClose(real_of(file))
                                           : SQLITE_OK;
}

static int on_read(sqlite3_file *file, void *at, int count, sqlite3_int64 offset)
{
    return real_of(file)->pMethods->xRead(real_of(file), at, count, offset);
}

static int on_write(sqlite3_file *file, const void *at, int count, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    if (!fails())
        return real->pMethods->xWrite(real, at, count, offset);
    if (disk.fault == FAULT_KILL) {
        real->pMethods->xWrite(real, at, count / 2, offset);
        raise(SIGKILL);
    }
    return SQLITE_FULL;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int on_sync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    if (!fails())
        return SQLITE_OK;
    if (disk.fault == FAULT_KILL)
        raise(SIGKILL);
    return SQLITE_FULL;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int on_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int on_check(sqlite3_file *file, int *is_reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), is_reserved);
}

static int on_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int on_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int on_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int on_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, at);
}

static int on_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void on_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int on_shm_unmap(sqlite3_file *file, int delete_flag)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_flag);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = on_close,
                                           .xRead = on_read,
                                           .xWrite = on_write,
                                           .xTruncate = on_truncate,
                                           .xSync = on_sync,
                                           .xFileSize = on_size,
                                           .xLock = on_lock,
                                           .xUnlock = on_unlock,
                                           .xCheckReservedLock = on_check,
                                           .xFileControl = on_control,
                                           .xSectorSize = on_sector,
                                           .xDeviceCharacteristics = on_traits,
                                           .xShmMap = on_shm_map,
                                           .xShmLock = on_shm_lock,
                                           .xShmBarrier = on_shm_barrier,
                                           .xShmUnmap = on_shm_unmap};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct file *own = (struct file *)file;
    (void)vfs;
    own->real = (sqlite3_file *)(own + 1);
    own->base.pMethods = &methods;
    return disk.real->xOpen(disk.real, name, own->real, flags, out);
}

void fault_install(void)
{
    disk.real = sqlite3_vfs_find(NULL);
    if (disk.real == NULL)
        abort();
    disk.vfs = *disk.real;
    disk.vfs.zName = "fault";
    disk.vfs.szOsFile += (int)sizeof(struct file);
    disk.vfs.xOpen = on_open;
    if (sqlite3_vfs_register(&disk.vfs, 1) != SQLITE_OK)
        abort();
}

void fault_arm(enum fault fault, uint64_t after)
{
    disk.fault = fault;
    disk.left = after;
    disk.happened = false;
}

bool fault_happened(void)
{
    return disk.happened;
}

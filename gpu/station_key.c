/* station_key.c - the key that stages of one owner share, from its file. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpu/station.h"
#include "shared/err.h"
#include "shared/hex.h"

enum { KEY_DIGITS = 64 };

bool station_read_key(struct bytes32 *key, const char *path, struct err *err)
{
    char digits[KEY_DIGITS + 2];
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = file < 0 ? -1 : read(file, digits, sizeof digits);
    bool is_private = file >= 0 && fstat(file, &status) == 0 && (status.st_mode & 077) == 0;
    if (file >= 0)
        close(file);
    if (len < 0)
        return err_set(err, ERR_INVALID, "the key file %s cannot be read", path);
    if (!is_private)
        return err_set(err, ERR_INVALID, "others may read the key file %s: chmod 600", path);
    if (len == KEY_DIGITS + 1 && digits[KEY_DIGITS] == '\n')
        len--;
    return (len == KEY_DIGITS &&
            hex_decode(key->at, sizeof key->at, (struct span){digits, KEY_DIGITS})) ||
           err_set(err, ERR_INVALID, "the key file %s has not 64 hexadecimal digits", path);
}

#include "relay/drop.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/err.h"

bool drop_find(struct drop *drop, const char *user, struct err *err)
{
    *drop = (struct drop){.uid = geteuid(), .gid = getegid()};
    if (drop->uid != 0)
        return true;

    char strings[4096];
    struct passwd entry;
    struct passwd *found = NULL;
    if (getpwnam_r(user, &entry, strings, sizeof strings, &found) != 0 || found == NULL)
        return err_set(err, ERR_INTERNAL, "user: there is no user '%.40s' to become", user);
    if (found->pw_uid == 0)
        return err_set(err, ERR_INTERNAL, "user: '%.40s' is root itself", user);
    *drop = (struct drop){.needed = true, .uid = found->pw_uid, .gid = found->pw_gid};
    return true;
}

bool drop_for_good(const struct drop *drop, struct err *err)
{
    if (!drop->needed)
        return true;
    /* the order matters: after setuid the other two are no longer allowed */
    if (setgroups(1, &drop->gid) != 0 || setgid(drop->gid) != 0 || setuid(drop->uid) != 0)
        return err_set(err, ERR_INTERNAL, "cannot drop privileges: %s", strerrordesc_np(errno));
    if (setuid(0) == 0 || geteuid() != drop->uid)
        abort();
    return true;
}

void drop_begin(const struct drop *drop)
{
    if (drop->needed && (setegid(drop->gid) != 0 || seteuid(drop->uid) != 0))
        abort();
}

void drop_end(const struct drop *drop)
{
    if (drop->needed && (seteuid(0) != 0 || setegid(0) != 0))
        abort();
}

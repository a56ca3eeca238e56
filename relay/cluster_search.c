#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/cluster_place.h"
#include "shared/err.h"

#define DEBIAN_FOLDER "/usr/lib/postgresql"

static bool has_programs(const char *folder)
{
    char path[CLUSTER_PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/initdb", folder);
    if (access(path, X_OK) != 0)
        return false;
    snprintf(path, sizeof path, "%s/postgres", folder);
    return access(path, X_OK) == 0;
}

static bool take(struct cluster_place *place, const char *folder)
{
    if (!has_programs(folder))
        return false;
    snprintf(place->bin, sizeof place->bin, "%s", folder);
    return true;
}

static bool take_version(struct cluster_place *place, int version)
{
    char folder[64];
    snprintf(folder, sizeof folder, DEBIAN_FOLDER "/%d/bin", version);
    return take(place, folder);
}

static bool take_from_path(struct cluster_place *place)
{
    const char *list = secure_getenv("PATH");
    while (list != NULL && *list != '\0') {
        size_t len = strcspn(list, ":");
        char folder[CLUSTER_PATH_MAX];
        snprintf(folder, sizeof folder, "%.*s", (int)len, list);
        if (folder[0] == '/' && take(place, folder))
            return true;
        list += len + (list[len] == ':');
    }
    return false;
}

static bool take_newest(struct cluster_place *place)
{
    DIR *folder = opendir(DEBIAN_FOLDER);
    int newest = 0;
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) { // NOLINT(concurrency-mt-unsafe)
        int version = (int)strtol(entry->d_name, NULL, 10);
        char bin[64];
        snprintf(bin, sizeof bin, DEBIAN_FOLDER "/%d/bin", version);
        if (version > newest && has_programs(bin))
            newest = version;
    }
    if (folder != NULL)
        closedir(folder);
    return newest > 0 && take_version(place, newest);
}

bool cluster_place_find_binaries(struct cluster_place *place, const struct config *config,
                                 struct err *err)
{
    int version = cluster_place_version(place);
    if (config->postgres_bin[0] != '\0')
        return take(place, config->postgres_bin) ||
               err_set(err, ERR_INTERNAL, "postgres_bin: no initdb and postgres in %.60s",
                       config->postgres_bin);
    if ((version > 0 && take_version(place, version)) || take_from_path(place) ||
        take_newest(place))
        return true;
    return err_set(err, ERR_INTERNAL,
                   "PostgreSQL was not found: install it, or set postgres_bin or database");
}

pid_t cluster_place_occupant(const struct cluster_place *place)
{
    char here[PATH_MAX], link[64], there[PATH_MAX];
    DIR *processes = opendir("/proc");
    pid_t occupant = 0;
    const struct dirent *entry;
    drop_begin(&place->drop);
    bool is_real = realpath(place->postgres, here) != NULL;
    drop_end(&place->drop);
    while (is_real && occupant == 0 && processes != NULL &&
           (entry = readdir(processes)) != NULL) { // NOLINT(concurrency-mt-unsafe)
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        snprintf(link, sizeof link, "/proc/%d/cwd", (int)pid);
        ssize_t len = pid > 0 ? readlink(link, there, sizeof there - 1) : -1;
        if (len > 0 && (size_t)len == strlen(here) && memcmp(here, there, (size_t)len) == 0)
            occupant = pid;
    }
    if (processes != NULL)
        closedir(processes);
    return occupant;
}

#include "tests/forge_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/shoal-forge-XXXXXX";
static char path[256];

void forge_folder_open(void)
{
    if (mkdtemp(folder) == NULL)
        abort();
}

const char *forge_folder_path(const char *name)
{
    snprintf(path, sizeof path, "%s%s%s", folder, name[0] == '\0' ? "" : "/", name);
    return path;
}

void forge_folder_write(const char *name, struct span bytes)
{
    FILE *file = fopen(forge_folder_path(name), "wb");
    if (file == NULL || fwrite(bytes.at, 1, bytes.len, file) != bytes.len || fclose(file) != 0)
        abort();
}

void forge_folder_remove(const char *name)
{
    unlink(forge_folder_path(name));
}

void forge_folder_empty(void)
{
    DIR *entries = opendir(folder);
    if (entries == NULL)
        abort();
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries))
        if (entry->d_name[0] != '.' && unlink(forge_folder_path(entry->d_name)) != 0)
            rmdir(forge_folder_path(entry->d_name));
    closedir(entries);
}

void forge_folder_close(void)
{
    forge_folder_empty();
    rmdir(folder);
}

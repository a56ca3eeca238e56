#include "gpu/plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/err.h"

static const char *const places[] = {"libshoal_cuda.so", "../lib/shoal/libshoal_cuda.so"};

void plugin_open_file(struct plugin *plugin, const char *path)
{
    const struct card *(*get)(void) = NULL;
    *plugin = (struct plugin){0};
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        snprintf(plugin->why, sizeof plugin->why, "%s", dlerror()); // NOLINT(concurrency-mt-unsafe)
        return;
    }
    void *symbol = dlsym(library, "card_cuda");
    memcpy(&get, &symbol, sizeof get); /* C has no conversion of these */
    const struct card *card = get == NULL ? NULL : get();
    if (card == NULL || card->version != CARD_VERSION) {
        snprintf(plugin->why, sizeof plugin->why, "%s is of another version", path);
        return;
    }
    const char *why = card->open(&plugin->facts);
    if (why == NULL)
        plugin->card = card;
    else
        snprintf(plugin->why, sizeof plugin->why, "%s", why);
}

/* Beside the program. False when there is none. */
static bool find(struct plugin *plugin)
{
    char program[PATH_MAX];
    char path[PATH_MAX + 64];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    while (len > 0 && program[len - 1] != '/')
        len--;
    for (size_t i = 0; len > 0 && i < ARRAY_LEN(places); i++) {
        snprintf(path, sizeof path, "%.*s%s", (int)len, program, places[i]);
        if (access(path, R_OK) != 0)
            continue;
        plugin_open_file(plugin, path);
        return true;
    }
    return false;
}

bool plugin_open(struct plugin *plugin, const char *device, struct err *err)
{
    *plugin = (struct plugin){0};
    if (device != NULL && strcmp(device, "cpu") == 0)
        return true;
    bool is_asked = device != NULL && strcmp(device, "cuda") == 0;
    if (device != NULL && !is_asked && strcmp(device, "auto") != 0)
        return err_set(err, ERR_INVALID, "no device '%.40s': auto, cpu or cuda", device);
    bool is_there = find(plugin);
    if (!is_asked || plugin->card != NULL)
        return true;
    return err_set(err, ERR_UNSUPPORTED, "no card can be used: %.80s",
                   is_there ? plugin->why : "there is no libshoal_cuda.so");
}

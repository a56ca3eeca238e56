#include "gpu/model.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "gpu/model_check.h"
#include "gpu/safetensors.h"
#include "gpu/tree.h"
#include "shared/err.h"
#include "shared/scan.h"

#define CONFIG "config.json"
#define INDEX "model.safetensors.index.json"
#define SINGLE "model.safetensors"

/* Puts the file before the reason. */
static bool blame(const char *name, struct err *err)
{
    if (err == NULL)
        return false;
    struct err reason = *err;
    return err_set(err, reason.code, "%.40s: %s", name, reason.text);
}

static bool has_ending(const char *text, const char *ending)
{
    size_t len = strlen(text);
    size_t end = strlen(ending);
    return len >= end && strcmp(text + len - end, ending) == 0;
}

static bool exists(const struct model *model, const char *name)
{
    char path[MODEL_PATH_BYTES_MAX + 256];
    struct stat stat_unused;
    snprintf(path, sizeof path, "%s%s", model->folder, name);
    return stat(path, &stat_unused) == 0;
}

bool model_open_beside(const struct model *model, struct mapping *mapping, const char *name,
                       struct err *err)
{
    char path[MODEL_PATH_BYTES_MAX + 256];
    snprintf(path, sizeof path, "%s%s", model->folder, name);
    return mapping_open(mapping, path, err);
}

/* Parses a JSON file. The tree points into a copy of it. */
static bool read_tree(struct model *model, const struct tree **tree, const char *name,
                      struct err *err)
{
    struct mapping mapping;
    if (!model_open_beside(model, &mapping, name, err))
        return false;
    struct span copy = {NULL, 0};
    bool fits = mapping.bytes.len <= SAFETENSORS_HEADER_BYTES_MAX;
    if (fits)
        copy = arena_copy(&model->arena, mapping.bytes);
    mapping_close(&mapping);
    if (!fits)
        return err_set(err, ERR_INVALID, "%.40s: longer than %d bytes", name,
                       SAFETENSORS_HEADER_BYTES_MAX);
    return tree_parse(tree, &model->arena, copy, err) || blame(name, err);
}

static bool add_safetensors(struct model *model, const char *name, struct err *err)
{
    struct mapping *mapping = &model->files[model->file_count];
    struct tensor_list list;
    if (!model_open_beside(model, mapping, name, err))
        return false;
    model->file_count++;
    return (safetensors_parse(&list, &model->arena, mapping->bytes, err) &&
            model_check_add(model, &list, err)) ||
           blame(name, err);
}

/* A name of a file in the same folder, and nothing more clever than that. */
static bool is_plain_name(struct span name)
{
    return name.len > 0 && name.len < 200 && memchr(name.at, '/', name.len) == NULL &&
           memchr(name.at, '\0', name.len) == NULL && name.at[0] != '.';
}

/* Each file that the map names, once. */
static bool add_indexed(struct model *model, const struct tree *map, struct err *err)
{
    struct span seen[MODEL_FILES_MAX];
    uint32_t count = 0;
    for (const struct tree *member = map->first; member != NULL; member = member->next) {
        struct span name = tree_text(member);
        uint32_t i = 0;
        while (i < count && !span_eq(seen[i], name))
            i++;
        if (i < count)
            continue;
        if (!is_plain_name(name))
            return err_set(err, ERR_INVALID, "'%s' is no name of a file beside it",
                           scan_word(name).at);
        if (count == MODEL_FILES_MAX)
            return err_set(err, ERR_INVALID, "more than %d files", MODEL_FILES_MAX);
        seen[count++] = name;
        char file[256];
        snprintf(file, sizeof file, "%.*s", SPAN_ARG(name));
        if (!add_safetensors(model, file, err))
            return false;
    }
    return true;
}

static bool open_safetensors(struct model *model, const char *name, struct err *err)
{
    const struct tree *index = NULL;
    model->format = WEIGHT_SAFETENSORS;
    if (!read_tree(model, &model->config, CONFIG, err))
        return false;
    if (!hyper_read_config(&model->hyper, model->config, err))
        return blame(CONFIG, err);
    model->files = arena_array(&model->arena, struct mapping, MODEL_FILES_MAX);
    if (!has_ending(name, ".index.json"))
        return add_safetensors(model, name, err);
    if (!read_tree(model, &index, name, err))
        return false;
    const struct tree *map = tree_as(tree_get(index, "weight_map"), TREE_OBJECT);
    if (map == NULL)
        return err_set(err, ERR_INVALID, "%.40s: no weight_map", name);
    return add_indexed(model, map, err);
}

static bool open_gguf(struct model *model, const char *name, struct err *err)
{
    model->format = WEIGHT_GGUF;
    model->files = arena_array(&model->arena, struct mapping, 1);
    if (!model_open_beside(model, &model->files[0], name, err))
        return false;
    model->file_count = 1;
    return (gguf_parse(&model->gguf, &model->arena, model->files[0].bytes, err) &&
            hyper_read_gguf(&model->hyper, &model->gguf, err) &&
            model_check_add(model, &model->gguf.tensors, err)) ||
           blame(name, err);
}

static int is_gguf_name(const struct dirent *entry)
{
    return has_ending(entry->d_name, ".gguf");
}

/* The only GGUF file of a folder. */
static bool find_gguf(const struct model *model, char *name, size_t size, struct err *err)
{
    struct dirent **entries = NULL;
    int count = scandir(model->folder, &entries, is_gguf_name, alphasort);
    if (count == 1)
        snprintf(name, size, "%s", entries[0]->d_name);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (count == 1)
        return true;
    return err_set(err, ERR_INVALID,
                   count > 1 ? "%.60s holds several GGUF files: name one"
                             : "%.60s holds no " INDEX ", " SINGLE " or GGUF file",
                   model->folder);
}

static bool open_folder(struct model *model, struct err *err)
{
    char name[256];
    if (exists(model, INDEX))
        return open_safetensors(model, INDEX, err);
    if (exists(model, SINGLE))
        return open_safetensors(model, SINGLE, err);
    return find_gguf(model, name, sizeof name, err) && open_gguf(model, name, err);
}

/* Splits a path into folder and name; the name is empty of a folder. */
static bool split_path(struct model *model, const char **name, const char *path, struct err *err)
{
    struct stat stats;
    size_t len = strlen(path);
    if (len + 2 > sizeof model->folder)
        return err_set(err, ERR_INVALID, "a path longer than %zu bytes", sizeof model->folder - 2);
    if (stat(path, &stats) == 0 && S_ISDIR(stats.st_mode)) {
        snprintf(model->folder, sizeof model->folder, "%s%s", path,
                 has_ending(path, "/") ? "" : "/");
        *name = path + len;
        return true;
    }
    const char *slash = strrchr(path, '/');
    size_t folder_len = slash == NULL ? 0 : (size_t)(slash + 1 - path);
    *name = path + folder_len;
    snprintf(model->folder, sizeof model->folder, "%.*s", (int)folder_len, path);
    return true;
}

static bool open_path(struct model *model, const char *path, struct err *err)
{
    const char *name;
    if (!split_path(model, &name, path, err))
        return false;
    if (name[0] == '\0' && path[0] != '\0')
        return open_folder(model, err);
    if (has_ending(name, ".gguf"))
        return open_gguf(model, name, err);
    if (has_ending(name, ".safetensors") || has_ending(name, ".safetensors.index.json"))
        return open_safetensors(model, name, err);
    struct mapping mapping;
    if (!mapping_open(&mapping, path, err))
        return false;
    bool is_gguf =
        gguf_is(mapping.bytes); /* whatever it is called: Ollama's have hashes for names */
    mapping_close(&mapping);
    if (is_gguf)
        return open_gguf(model, name, err);
    return err_set(err, ERR_INVALID,
                   "%.60s: neither .gguf, .safetensors nor .safetensors.index.json", name);
}

bool model_open(struct model *model, const char *path, struct err *err)
{
    *model = (struct model){0};
    if (open_path(model, path, err) && model_check_complete(model, err))
        return true;
    model_close(model);
    return false;
}

void model_close(struct model *model)
{
    for (uint32_t i = 0; i < model->file_count; i++)
        mapping_close(&model->files[i]);
    arena_clear(&model->arena);
    *model = (struct model){0};
}

#include "gpu/root.h"

#include <assert.h>
#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpu/model.h"
#include "shared/hex.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { PATH_BYTES_MAX = 4096 };

static void add_number(struct text *text, uint64_t number)
{
    uint64_t little = htole64(number);
    text_add(text, SPAN_OF(little));
}

static struct bytes32 hash_leaf(const struct model_weight *weight)
{
    struct text text = {0};
    const struct tensor *tensor = weight->tensor;
    struct weight_name name = weight_name(weight->id);
    const char *type = dtype_name(tensor->type);
    struct bytes32 bytes = sig_sha256(tensor->data);
    text_add(&text, SPAN("\0"));
    text_add(&text, (struct span){name.at, strlen(name.at) + 1});
    text_add(&text, (struct span){type, strlen(type) + 1});
    add_number(&text, tensor->shape[0]);
    add_number(&text, tensor->shape[1]);
    text_add(&text, SPAN_OF(bytes));
    struct bytes32 hash = sig_sha256(text_span(&text));
    text_clear(&text);
    return hash;
}

/* Under what name the hashes of these very files are kept. */
static struct bytes32 key_of(const struct model *model)
{
    struct text text = {0};
    text_add(&text, SPAN("shoal roots 1"));
    for (uint32_t i = 0; i < model->file_count; i++) {
        const struct mapping_identity *identity = &model->files[i].identity;
        add_number(&text, identity->device);
        add_number(&text, identity->inode);
        add_number(&text, identity->size);
        add_number(&text, (uint64_t)identity->modified_ns);
        add_number(&text, (uint64_t)identity->changed_ns);
    }
    struct bytes32 key = sig_sha256(text_span(&text));
    text_clear(&text);
    return key;
}

static void path_of(char *path, const char *folder, const struct bytes32 *key, const char *ending)
{
    char name[2 * sizeof key->at + 1];
    hex_encode(name, key->at, sizeof key->at);
    name[2 * sizeof key->at] = '\0';
    snprintf(path, PATH_BYTES_MAX, "%s/%s%s", folder, name, ending);
}

/* The hashes, and the hash of them and the key: a file cut short, or of another, is not taken. */
static struct bytes32 seal_of(const struct root *root, const struct bytes32 *key)
{
    struct text text = {0};
    text_add(&text, SPAN_OF(*key));
    text_add(&text, (struct span){(const char *)root->leaves,
                                  root->model->weight_count * sizeof *root->leaves});
    struct bytes32 seal = sig_sha256(text_span(&text));
    text_clear(&text);
    return seal;
}

static bool read_kept(struct root *root, const char *path, const struct bytes32 *key)
{
    struct bytes32 seal;
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return false;
    size_t count = fread(root->leaves, sizeof *root->leaves, root->model->weight_count, file);
    bool ok = count == root->model->weight_count && fread(&seal, sizeof seal, 1, file) == 1 &&
              fgetc(file) == EOF;
    fclose(file);
    struct bytes32 expected = seal_of(root, key);
    return ok && span_eq(SPAN_OF(seal), SPAN_OF(expected));
}

/* As a new file that then takes its place, so that nobody reads half of one. Failing is no
 * failure: it is hashed again the next time. */
static void keep(const struct root *root, const char *folder, const struct bytes32 *key)
{
    char path[PATH_BYTES_MAX];
    char draft[PATH_BYTES_MAX];
    struct bytes32 seal = seal_of(root, key);
    path_of(path, folder, key, "");
    path_of(draft, folder, key, ".XXXXXX");
    int descriptor = mkostemp(draft, O_CLOEXEC);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (file == NULL)
        return;
    size_t count = root->model->weight_count;
    bool ok = fwrite(root->leaves, sizeof *root->leaves, count, file) == count &&
              fwrite(&seal, sizeof seal, 1, file) == 1;
    ok = fclose(file) == 0 && ok;
    if (!ok || rename(draft, path) != 0)
        unlink(draft);
}

/* Makes a folder and those above it; that one is there already is fine. */
static void make_folder(const char *folder)
{
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s", folder);
    for (char *at = path + (path[0] != '\0'); *at != '\0'; at++)
        if (*at == '/') {
            *at = '\0';
            mkdir(path, 0700);
            *at = '/';
        }
    mkdir(path, 0700);
}

void root_read(struct root *root, const struct model *model, const char *folder)
{
    char path[PATH_BYTES_MAX];
    *root = (struct root){.model = model};
    root->leaves = calloc((size_t)model->weight_count + 1, sizeof *root->leaves);
    if (root->leaves == NULL)
        abort();
    struct bytes32 key = key_of(model);
    if (folder != NULL && strlen(folder) < PATH_BYTES_MAX - 80) {
        path_of(path, folder, &key, "");
        root->was_kept = read_kept(root, path, &key);
        if (root->was_kept)
            return;
    }
    for (uint32_t i = 0; i < model->weight_count; i++)
        root->leaves[i] = hash_leaf(&model->weights[i]);
    if (folder != NULL && strlen(folder) < PATH_BYTES_MAX - 80) {
        make_folder(folder);
        keep(root, folder, &key);
    }
}

void root_clear(struct root *root)
{
    free(root->leaves);
    *root = (struct root){0};
}

static bool is_in(const struct root_range *range, struct weight_id id)
{
    if (weight_is_in_layer(id.weight))
        return id.layer >= range->first && id.layer < range->end;
    if (id.weight == WEIGHT_EMBEDDING || id.weight == WEIGHT_POSITIONS)
        return range->has_embedding;
    return range->has_output;
}

/* In place: level after level. */
static struct bytes32 fold(struct bytes32 *level, size_t count)
{
    while (count > 1) {
        for (size_t i = 0; i + 1 < count; i += 2) {
            char pair[1 + 2 * sizeof *level] = {1};
            memcpy(pair + 1, &level[i], 2 * sizeof *level);
            level[i / 2] = sig_sha256(SPAN_OF(pair));
        }
        if (count % 2 != 0)
            level[count / 2] = level[count - 1];
        count = (count + 1) / 2;
    }
    return level[0];
}

bool root_of(struct bytes32 *hash, const struct root *root, const struct root_range *range)
{
    const struct model *model = root->model;
    size_t count = 0;
    struct bytes32 *level = calloc((size_t)model->weight_count + 1, sizeof *level);
    if (level == NULL)
        abort();
    for (uint32_t i = 0; i < model->weight_count; i++) {
        struct weight_id id = model->weights[i].id;
        /* a tied embedding is an end's part, too */
        bool is_tied_output =
            range->has_output && model->hyper.is_tied && id.weight == WEIGHT_EMBEDDING;
        if (is_in(range, id) || is_tied_output)
            level[count++] = root->leaves[i];
    }
    if (count > 0)
        *hash = fold(level, count);
    free(level);
    return count > 0;
}

struct bytes32 root_whole(const struct root *root)
{
    struct bytes32 hash;
    struct root_range all = {0, root->model->hyper.layers, true, true};
    bool ok = root_of(&hash, root, &all);
    assert(ok); /* a model that opened has weights */
    return hash;
}

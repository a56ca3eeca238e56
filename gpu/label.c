#include "gpu/label.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu/model.h"

void label_name(char *out, size_t size, const char *path)
{
    char whole[PATH_MAX];
    const char *from = realpath(path, whole) != NULL ? whole : path;
    from = strrchr(from, '/') != NULL ? strrchr(from, '/') + 1 : from;
    size_t len = strlen(from);
    if (len > 5 && strcmp(from + len - 5, ".gguf") == 0)
        len -= 5;
    snprintf(out, size, "%.*s", (int)len, from);
}

const char *label_stored(const struct model *model)
{
    return dtype_name(model->weight_count > 0 ? model->weights[0].tensor->type : DTYPE_F32);
}

struct label_dtype label_dtype(const struct model *model, enum dtype_made made)
{
    static const char *const names[] = {[DTYPE_AS_Q8] = "q8", [DTYPE_AS_Q4] = "q4"};
    const char *name = made == DTYPE_AS_STORED ? label_stored(model) : names[made];
    struct label_dtype dtype = {{0}};
    for (size_t i = 0; name[i] != '\0' && i + 1 < sizeof dtype.text; i++)
        dtype.text[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 'a' - 'A' : name[i]);
    return dtype;
}

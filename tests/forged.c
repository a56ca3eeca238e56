#include "tests/forged.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/err.h"
#include "tests/forge_folder.h"

void forged_open(struct model *model, const struct forge_model *made, enum weight_format format)
{
    struct text config = {0};
    struct text weights = {0};
    struct err err = {0};
    const char *name = format == WEIGHT_GGUF ? "model.gguf" : "model.safetensors";
    forge_folder_empty();
    if (format == WEIGHT_GGUF) {
        forge_model_gguf(made, &weights);
    } else {
        forge_model_config(made, "", &config);
        forge_model_safetensors(made, 0, 1, &weights);
        forge_folder_write("config.json", text_span(&config));
    }
    forge_folder_write(name, text_span(&weights));
    text_clear(&config);
    text_clear(&weights);
    if (!model_open(model, forge_folder_path(name), &err)) {
        fprintf(stderr, "%s: %s\n", name, err.text);
        abort();
    }
}

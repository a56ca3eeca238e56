/* forge.h - model files made by tests, in memory: GGUF and safetensors, well formed or not.
 *
 *     struct forge forge = {0};
 *     forge_text(&forge, "general.architecture", "llama");
 *     forge_tensor(&forge, "output.weight", 0, 2, (uint64_t[]){8, 4}, bytes);
 *     forge_gguf(&forge, &file);
 *
 *   ownership  forge_clear frees what was added
 *   threads    one
 */
#pragma once

#include "shared/text.h"

enum { FORGE_ALIGNMENT = 32 };

struct forge {
    struct text values, tensors, header, data;
    uint64_t value_count, tensor_count;
};

void forge_clear(struct forge *forge);

void forge_u8(struct text *text, uint8_t value);
void forge_u32(struct text *text, uint32_t value);
void forge_u64(struct text *text, uint64_t value);
void forge_f32(struct text *text, float value);
void forge_string(struct text *text, struct span string);

/* Values of a GGUF file. */
void forge_key(struct forge *forge, const char *key, uint32_t type); /* its bytes are to follow */
void forge_integer(struct forge *forge, const char *key, uint32_t value);
void forge_number(struct forge *forge, const char *key, float value);
void forge_bool(struct forge *forge, const char *key, bool value);
void forge_text(struct forge *forge, const char *key, const char *value);
void forge_array(struct forge *forge, const char *key, uint32_t type, uint64_t count);

/* A tensor of a GGUF file: type as GGUF numbers it, shape innermost first. */
void forge_tensor(struct forge *forge, const char *name, uint32_t type, uint32_t dims,
                  const uint64_t *shape, struct span data);

/* A tensor of a safetensors file: shape outermost first. */
void forge_entry(struct forge *forge, const char *name, const char *type, uint32_t dims,
                 const uint64_t *shape, struct span data);

/* The whole file, added to out. */
void forge_gguf(const struct forge *forge, struct text *out);
void forge_safetensors(const struct forge *forge, struct text *out);

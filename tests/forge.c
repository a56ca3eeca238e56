#include "tests/forge.h"

#include <endian.h>

void forge_clear(struct forge *forge)
{
    text_clear(&forge->values);
    text_clear(&forge->tensors);
    text_clear(&forge->header);
    text_clear(&forge->data);
    *forge = (struct forge){0};
}

void forge_u8(struct text *text, uint8_t value)
{
    text_add(text, SPAN_OF(value));
}

void forge_u32(struct text *text, uint32_t value)
{
    uint32_t little = htole32(value);
    text_add(text, SPAN_OF(little));
}

void forge_u64(struct text *text, uint64_t value)
{
    uint64_t little = htole64(value);
    text_add(text, SPAN_OF(little));
}

void forge_f32(struct text *text, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    forge_u32(text, bits);
}

void forge_string(struct text *text, struct span string)
{
    forge_u64(text, string.len);
    text_add(text, string);
}

void forge_key(struct forge *forge, const char *key, uint32_t type)
{
    forge_string(&forge->values, (struct span){key, strlen(key)});
    forge_u32(&forge->values, type);
    forge->value_count++;
}

void forge_integer(struct forge *forge, const char *key, uint32_t value)
{
    forge_key(forge, key, 4);
    forge_u32(&forge->values, value);
}

void forge_number(struct forge *forge, const char *key, float value)
{
    forge_key(forge, key, 6);
    forge_f32(&forge->values, value);
}

void forge_bool(struct forge *forge, const char *key, bool value)
{
    forge_key(forge, key, 7);
    forge_u8(&forge->values, value);
}

void forge_text(struct forge *forge, const char *key, const char *value)
{
    forge_key(forge, key, 8);
    forge_string(&forge->values, (struct span){value, strlen(value)});
}

void forge_array(struct forge *forge, const char *key, uint32_t type, uint64_t count)
{
    forge_key(forge, key, 9);
    forge_u32(&forge->values, type);
    forge_u64(&forge->values, count);
}

static void pad(struct text *text, size_t from)
{
    while ((text->len - from) % FORGE_ALIGNMENT != 0)
        forge_u8(text, 0);
}

void forge_tensor(struct forge *forge, const char *name, uint32_t type, uint32_t dims,
                  const uint64_t *shape, struct span data)
{
    pad(&forge->data, 0);
    forge_string(&forge->tensors, (struct span){name, strlen(name)});
    forge_u32(&forge->tensors, dims);
    for (uint32_t i = 0; i < dims; i++)
        forge_u64(&forge->tensors, shape[i]);
    forge_u32(&forge->tensors, type);
    forge_u64(&forge->tensors, forge->data.len);
    text_add(&forge->data, data);
    forge->tensor_count++;
}

void forge_entry(struct forge *forge, const char *name, const char *type, uint32_t dims,
                 const uint64_t *shape, struct span data)
{
    text_addf(&forge->header, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[",
              forge->header.len == 0 ? "" : ",", name, type);
    for (uint32_t i = 0; i < dims; i++)
        text_addf(&forge->header, "%s%llu", i == 0 ? "" : ",", (unsigned long long)shape[i]);
    text_addf(&forge->header, "],\"data_offsets\":[%zu,%zu]}", forge->data.len,
              forge->data.len + data.len);
    text_add(&forge->data, data);
}

void forge_gguf(const struct forge *forge, struct text *out)
{
    size_t begin = out->len;
    text_add(out, SPAN("GGUF"));
    forge_u32(out, 3);
    forge_u64(out, forge->tensor_count);
    forge_u64(out, forge->value_count);
    text_add(out, text_span(&forge->values));
    text_add(out, text_span(&forge->tensors));
    pad(out, begin);
    text_add(out, text_span(&forge->data));
}

void forge_safetensors(const struct forge *forge, struct text *out)
{
    forge_u64(out, forge->header.len + 2);
    text_add(out, SPAN("{"));
    text_add(out, text_span(&forge->header));
    text_add(out, SPAN("}"));
    text_add(out, text_span(&forge->data));
}

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/demo/train.h"

static FILE *create(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wbe");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE); // NOLINT(concurrency-mt-unsafe): no threads
    }
    return file;
}

static void close_file(FILE *file)
{
    if (fclose(file) != 0) {
        perror("writing");
        exit(EXIT_FAILURE); // NOLINT(concurrency-mt-unsafe): no threads
    }
}

struct tensor {
    const char *name; /* with the layer's number where %d is */
    int layer;
    int rows, columns; /* columns: 0 of a vector */
    const float *at;
};

#define IN_LAYER "model.layers.%d."

static size_t list_tensors(struct tensor *list, const struct weights *weights)
{
    size_t count = 0;
    list[count++] =
        (struct tensor){"model.embed_tokens.weight", 0, TOKENS, WIDTH, weights->embedding};
    for (int i = 0; i < LAYERS; i++) {
        const struct layer *layer = &weights->layers[i];
        const struct tensor parts[] = {
            {IN_LAYER "input_layernorm.weight", i, WIDTH, 0, layer->attention_norm},
            {IN_LAYER "self_attn.q_proj.weight", i, WIDTH, WIDTH, layer->query},
            {IN_LAYER "self_attn.k_proj.weight", i, KV_WIDTH, WIDTH, layer->key},
            {IN_LAYER "self_attn.v_proj.weight", i, KV_WIDTH, WIDTH, layer->value},
            {IN_LAYER "self_attn.o_proj.weight", i, WIDTH, WIDTH, layer->out},
            {IN_LAYER "post_attention_layernorm.weight", i, WIDTH, 0, layer->inner_norm},
            {IN_LAYER "mlp.gate_proj.weight", i, INNER, WIDTH, layer->gate},
            {IN_LAYER "mlp.up_proj.weight", i, INNER, WIDTH, layer->up},
            {IN_LAYER "mlp.down_proj.weight", i, WIDTH, INNER, layer->down}};
        memcpy(list + count, parts, sizeof parts);
        count += sizeof parts / sizeof *parts;
    }
    list[count++] = (struct tensor){"model.norm.weight", 0, WIDTH, 0, weights->output_norm};
    return count;
}

static size_t elements(const struct tensor *tensor)
{
    return (size_t)tensor->rows * (size_t)(tensor->columns == 0 ? 1 : tensor->columns);
}

/* The tensor's member of the header. */
static size_t write_entry(char *out, size_t size, const struct tensor *tensor, size_t place)
{
    const char *number = strstr(tensor->name, "%d");
    int before = (int)(number == NULL ? strlen(tensor->name) : (size_t)(number - tensor->name));
    char layer[16] = "";
    char columns[16] = "";
    if (number != NULL)
        snprintf(layer, sizeof layer, "%d", tensor->layer);
    if (tensor->columns != 0)
        snprintf(columns, sizeof columns, ",%d", tensor->columns);
    return (size_t)snprintf(
        out, size,
        "%c\"%.*s%s%s\":{\"dtype\":\"BF16\",\"shape\":[%d%s],\"data_offsets\":[%zu,%zu]}",
        place == 0 ? '{' : ',', before, tensor->name, layer, number == NULL ? "" : number + 2,
        tensor->rows, columns, place, place + 2 * elements(tensor));
}

/* As bfloat16, to the nearer. */
static void write_numbers(FILE *file, const struct tensor *tensor)
{
    for (size_t i = 0; i < elements(tensor); i++) {
        uint32_t bits;
        memcpy(&bits, &tensor->at[i], sizeof bits);
        bits += 0x7fff + (bits >> 16 & 1);
        fputc((int)(bits >> 16 & 255), file);
        fputc((int)(bits >> 24), file);
    }
}

static void write_weights(const struct weights *weights, const char *folder)
{
    static char header[16384];
    struct tensor list[2 + 9 * LAYERS];
    size_t count = list_tensors(list, weights);
    size_t place = 0;
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += write_entry(header + len, sizeof header - len, &list[i], place);
        place += 2 * elements(&list[i]);
    }
    len += (size_t)snprintf(header + len, sizeof header - len, "}");
    FILE *file = create(folder, "model.safetensors");
    for (int i = 0; i < 8; i++)
        fputc((int)(len >> 8 * i & 255), file);
    fwrite(header, 1, len, file);
    for (size_t i = 0; i < count; i++)
        write_numbers(file, &list[i]);
    close_file(file);
}

/* A byte as tokenizers of bytes spell it, in JSON. */
static void write_letter(FILE *file, int byte)
{
    int letter = byte;
    if (byte <= 0x20)
        letter = 0x100 + byte;
    else if (byte >= 0x7f && byte <= 0xa0)
        letter = 0x121 + byte - 0x7f;
    else if (byte == 0xad)
        letter = 0x143;
    fprintf(file, "\"\\u%04x\"", (unsigned)letter);
}

static void write_tokenizer(const char *folder)
{
    FILE *file = create(folder, "tokenizer.json");
    fprintf(file,
            "{\"added_tokens\":[{\"id\":%d,\"content\":\"<|im_start|>\",\"special\":true},"
            "{\"id\":%d,\"content\":\"<|im_end|>\",\"special\":true}],\n"
            "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\n"
            "\"decoder\":{\"type\":\"ByteLevel\"},\n"
            "\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{",
            TOKEN_START, TOKEN_END);
    for (int byte = 0; byte < 256; byte++) {
        fputs(byte == 0 ? "" : byte % 16 == 0 ? ",\n" : ",", file);
        write_letter(file, byte);
        fprintf(file, ":%d", byte);
    }
    fputs("}}}\n", file);
    close_file(file);
}

static void write_settings(const char *folder)
{
    FILE *file = create(folder, "config.json");
    fprintf(file,
            "{\"model_type\":\"llama\",\"architectures\":[\"LlamaForCausalLM\"],"
            "\"torch_dtype\":\"bfloat16\",\n\"hidden_size\":%d,\"num_hidden_layers\":%d,"
            "\"num_attention_heads\":%d,\"num_key_value_heads\":%d,\"head_dim\":%d,\n"
            "\"intermediate_size\":%d,\"vocab_size\":%d,\"max_position_embeddings\":%d,"
            "\"rms_norm_eps\":1e-5,\"rope_theta\":10000.0,\n\"hidden_act\":\"silu\","
            "\"tie_word_embeddings\":true,\"eos_token_id\":%d}\n",
            WIDTH, LAYERS, HEADS, KV_HEADS, HEAD, INNER, TOKENS, LENGTH_MAX, TOKEN_END);
    close_file(file);
    file = create(folder, "tokenizer_config.json");
    fputs("{\"eos_token\":\"<|im_end|>\",\"add_bos_token\":false}\n", file);
    close_file(file);
    file = create(folder, "chat_template.jinja");
    fputs("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
          "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}\n",
          file);
    close_file(file);
}

void train_write(const struct weights *weights, const char *folder)
{
    write_weights(weights, folder);
    write_tokenizer(folder);
    write_settings(folder);
}

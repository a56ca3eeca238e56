#include "gpu/inspect.h"

#include <stdio.h>

#include "gpu/chat.h"
#include "gpu/machine.h"
#include "gpu/model.h"
#include "gpu/size.h"
#include "gpu/tokenizer.h"
#include "shared/text.h"

/* Memory that is left to others, the program itself among them. */
enum { SPARE_PERCENT = 10 };

static const struct {
    const char *name;
    enum dtype type;
} runs[] = {{"bf16", DTYPE_BF16}, {"q8", DTYPE_Q8}, {"q4", DTYPE_Q4}};

struct words {
    char at[32];
};

/* "1.10 B", with one of the letters at every power of step. */
static struct words shorten(uint64_t number, double step, const char *letters, const char *unit)
{
    struct words words;
    double value = (double)number;
    size_t power = 0;
    while (value >= step && letters[power + 1] != '\0') {
        value /= step;
        power++;
    }
    if (power == 0)
        snprintf(words.at, sizeof words.at, "%llu %s", (unsigned long long)number, unit);
    else
        snprintf(words.at, sizeof words.at, "%.2f %c%s", value, letters[power], unit);
    return words;
}

static struct words bytes_words(uint64_t bytes)
{
    return shorten(bytes, 1000, " kMGT", "B");
}

/* The types in which the model's weights are stored, those with most bytes first. */
static void write_types(struct text *out, const struct model *model, const char *separator,
                        const char *quote)
{
    uint64_t bytes[DTYPE_F64 + 1] = {0};
    for (uint32_t i = 0; i < model->weight_count; i++)
        bytes[model->weights[i].tensor->type] += model->weights[i].tensor->data.len;
    for (bool is_first = true;; is_first = false) {
        enum dtype largest = DTYPE_F32;
        for (enum dtype type = 0; type <= DTYPE_F64; type++)
            if (bytes[type] > bytes[largest])
                largest = type;
        if (bytes[largest] == 0)
            return;
        text_addf(out, "%s%s%s%s", is_first ? "" : separator, quote, dtype_name(largest), quote);
        bytes[largest] = 0;
    }
}

static uint64_t memory_for(const struct machine *machine)
{
    return machine->memory_available / 100 * (100 - SPARE_PERCENT);
}

static void write_attention(struct text *out, const struct hyper *hyper)
{
    text_addf(out, "heads         %u of %u elements, over %u of keys and values\n", hyper->heads,
              hyper->head_size, hyper->kv_heads);
    if (hyper->rotary == 0)
        text_addf(out, "positions     learned");
    else
        text_addf(out, "positions     rotary over %u elements, base %g", hyper->rotary,
                  (double)hyper->rope_base);
    text_addf(out, ", context %u\n", hyper->context);
    if (hyper->window == 0)
        return;
    uint32_t count = 0;
    for (uint32_t layer = 0; layer < hyper->layers; layer++)
        count += hyper_is_windowed(hyper, layer);
    text_addf(out, "windows       %u positions, on %u of %u layers\n", hyper->window, count,
              hyper->layers);
}

static void write_fit(struct text *out, const struct inspect *inspect, size_t run)
{
    struct size_run size = size_of_run(inspect->model, runs[run].type);
    struct size_fit fit = size_fit(inspect->model, &size, memory_for(inspect->machine));
    text_addf(out, "  %-4s        %10s   ", runs[run].name, bytes_words(size.whole).at);
    if (fit.is_whole)
        text_addf(out, "fits, with %llu positions of all sessions together\n",
                  (unsigned long long)fit.positions);
    else if (fit.layers > 0)
        text_addf(out, "%u of %u layers fit: serve a range of them\n", fit.layers,
                  inspect->model->hyper.layers);
    else
        text_addf(out, "does not fit\n");
}

/* NULL when the template has none, which an operator may then name. */
static const char *chat_of(const struct tokenizer *tokenizer)
{
    const struct chat_format *format = chat_find(tokenizer->chat_template);
    return format == NULL ? NULL : chat_name(format);
}

static const char *kind_of(const struct tokenizer *tokenizer)
{
    return tokenizer->kind == TOKENIZER_BYTES ? "bytes" : "pieces";
}

static void write_tokenizer(struct text *out, const struct inspect *inspect)
{
    const struct tokenizer *tokenizer = inspect->tokenizer;
    if (tokenizer == NULL) {
        text_addf(out, "tokenizer     none: %s\n", inspect->no_tokenizer);
        return;
    }
    text_addf(out, "tokenizer     of %s: %u tokens, %u of them added\n", kind_of(tokenizer),
              tokenizer->vocabulary.count, tokenizer->added_count);
    const char *chat = chat_of(tokenizer);
    if (chat != NULL)
        text_addf(out, "chat          %s\n", chat);
    else
        text_addf(out, "chat          none: %s\n",
                  tokenizer->chat_template.len == 0 ? "no template" : "the template is not known");
}

void inspect_write(struct text *out, const struct inspect *inspect)
{
    const struct model *model = inspect->model;
    const struct hyper *hyper = &model->hyper;
    struct size size = size_of_model(model);
    text_addf(out, "family        %s\n", hyper_family_name(hyper->family));
    text_addf(out, "layers        %u, width %u, inner width %u\n", hyper->layers, hyper->width,
              hyper->inner);
    write_attention(out, hyper);
    text_addf(out, "vocabulary    %u%s\n", hyper->vocabulary,
              hyper->is_tied ? ", embedding and output tied" : "");
    text_addf(out, "parameters    %s\n", shorten(size.parameters, 1000, " kMBT", "").at);
    text_addf(out, "stored        %s in %u tensors of ", bytes_words(size.stored).at,
              model->weight_count);
    write_types(out, model, ", ", "");
    text_addf(out, "; %s, %u file%s\n", model->format == WEIGHT_GGUF ? "GGUF" : "safetensors",
              model->file_count, model->file_count == 1 ? "" : "s");
    write_tokenizer(out, inspect);
    if (inspect->root != NULL) {
        text_addf(out, "root          ");
        text_add_hex(out, inspect->root->at, sizeof inspect->root->at);
        text_addf(out, "\n");
    }
    text_addf(out, "a position    %s of keys and values, %s from stage to stage\n",
              bytes_words(size.kv_position).at, bytes_words(size.hidden).at);
    text_addf(out, "\non this machine: %u cores, %s of memory available; %d %% of it spared\n",
              inspect->machine->cores, bytes_words(inspect->machine->memory_available).at,
              SPARE_PERCENT);
    for (size_t i = 0; i < ARRAY_LEN(runs); i++)
        write_fit(out, inspect, i);
}

static void write_json_shape(struct text *out, const struct hyper *hyper)
{
    text_addf(out,
              "{\"family\":\"%s\",\"layers\":%u,\"width\":%u,\"inner\":%u,\"heads\":%u,"
              "\"kv_heads\":%u,\"head_size\":%u,\"vocabulary\":%u,\"context\":%u,\"rotary\":%u,"
              "\"rope_base\":%g,\"window\":%u,\"tied\":%s",
              hyper_family_name(hyper->family), hyper->layers, hyper->width, hyper->inner,
              hyper->heads, hyper->kv_heads, hyper->head_size, hyper->vocabulary, hyper->context,
              hyper->rotary, (double)hyper->rope_base, hyper->window,
              hyper->is_tied ? "true" : "false");
}

static void write_json_fit(struct text *out, const struct inspect *inspect, size_t run)
{
    struct size_run size = size_of_run(inspect->model, runs[run].type);
    struct size_fit fit = size_fit(inspect->model, &size, memory_for(inspect->machine));
    text_addf(out,
              "%s\"%s\":{\"bytes\":%llu,\"layer_bytes\":%llu,\"whole\":%s,\"layers\":%u,"
              "\"positions\":%llu}",
              run == 0 ? "" : ",", runs[run].name, (unsigned long long)size.whole,
              (unsigned long long)size.largest_layer, fit.is_whole ? "true" : "false", fit.layers,
              (unsigned long long)fit.positions);
}

static void write_json_tokenizer(struct text *out, const struct inspect *inspect)
{
    const struct tokenizer *tokenizer = inspect->tokenizer;
    if (tokenizer == NULL) {
        text_addf(out, ",\"tokenizer\":null");
        return;
    }
    text_addf(out, ",\"tokenizer\":{\"kind\":\"%s\",\"tokens\":%u,\"added\":%u,\"chat\":",
              kind_of(tokenizer), tokenizer->vocabulary.count, tokenizer->added_count);
    const char *chat = chat_of(tokenizer);
    if (chat != NULL)
        text_addf(out, "\"%s\"", chat);
    else
        text_addf(out, "null");
    struct bytes32 id = chat_template_id(tokenizer->chat_template);
    text_addf(out, ",\"template_id\":\"");
    text_add_hex(out, id.at, sizeof id.at);
    text_addf(out, "\"}");
}

void inspect_write_json(struct text *out, const struct inspect *inspect)
{
    const struct model *model = inspect->model;
    struct size size = size_of_model(model);
    write_json_shape(out, &model->hyper);
    text_addf(out, ",\"parameters\":%llu,\"stored_bytes\":%llu,\"tensors\":%u,\"types\":[",
              (unsigned long long)size.parameters, (unsigned long long)size.stored,
              model->weight_count);
    write_types(out, model, ",", "\"");
    text_addf(out, "],\"format\":\"%s\",\"files\":%u,\"root\":",
              model->format == WEIGHT_GGUF ? "gguf" : "safetensors", model->file_count);
    if (inspect->root != NULL) {
        text_addf(out, "\"");
        text_add_hex(out, inspect->root->at, sizeof inspect->root->at);
        text_addf(out, "\"");
    } else {
        text_addf(out, "null");
    }
    write_json_tokenizer(out, inspect);
    text_addf(out, ",\"kv_position_bytes\":%llu,\"hidden_bytes\":%llu",
              (unsigned long long)size.kv_position, (unsigned long long)size.hidden);
    text_addf(out,
              ",\"machine\":{\"cores\":%u,\"memory_bytes\":%llu,\"memory_available_bytes\":%llu}",
              inspect->machine->cores, (unsigned long long)inspect->machine->memory,
              (unsigned long long)inspect->machine->memory_available);
    text_addf(out, ",\"fits\":{");
    for (size_t i = 0; i < ARRAY_LEN(runs); i++)
        write_json_fit(out, inspect, i);
    text_addf(out, "}}\n");
}

#include <stdlib.h>

#include "gpu/entry.h"
#include "gpu/layer.h"
#include "gpu/model.h"
#include "gpu/pool.h"
#include "gpu/simd.h"
#include "shared/err.h"

struct cpu {
    struct hyper hyper;
    struct exec_options options;
    struct entry entry;
    struct layer_norm output_norm;
    struct matrix output;
    struct layer *layers; /* those of the shard */
    uint32_t layer_count;

    char *slab; /* of pages: (layer, key and value, kv head, EXEC_PAGE * head_size) */
    size_t page_bytes, head_bytes;

    float *state, *norm; /* (rows_max, width) */
    float *query, *heads, *key, *value;
    float *gate, *up;
    float *angles;  /* (rows_max, rotary): cosine and sine of each pair */
    float **logits; /* where those that are asked for go */
    float *scores;  /* of each thread */
    size_t score_count;

    struct pool *pool;
    const struct simd *simd;
};

static void *array_of(size_t count, size_t size)
{
    void *array = calloc(count + (count == 0), size);
    if (array == NULL)
        abort();
    return array;
}

static void normalize(const struct cpu *cpu, const struct layer_norm *norm, float *out,
                      const float *in, uint32_t rows)
{
    uint32_t width = cpu->hyper.width;
    struct kernel_layernorm layernorm = {norm->gain, norm->bias, width, cpu->hyper.epsilon};
    for (size_t at = 0; at < (size_t)rows * width; at += width)
        if (norm->bias != NULL)
            kernel_layernorm(out + at, in + at, &layernorm);
        else
            kernel_rmsnorm(out + at, in + at, norm->gain, width, cpu->hyper.epsilon);
}

/* state += norm of part, where the family has that norm */
static void add(struct cpu *cpu, const struct layer_norm *norm, float *part, uint32_t rows)
{
    if (norm->gain != NULL)
        normalize(cpu, norm, part, part, rows);
    for (size_t i = 0; i < (size_t)rows * cpu->hyper.width; i++)
        cpu->state[i] += part[i];
}

static void begin(struct cpu *cpu, const struct exec_row *rows, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        entry_state(&cpu->entry, cpu->state + (size_t)j * cpu->hyper.width, rows + j);
        entry_turns(&cpu->entry, cpu->angles + (size_t)j * cpu->hyper.rotary, rows + j);
    }
}

/* Where in a page a head of a layer of the shard has its keys; its values lie behind those of the
 * layer's other heads. */
static size_t keys_at(const struct cpu *cpu, uint32_t layer, uint32_t head)
{
    return ((size_t)layer * 2 * cpu->hyper.kv_heads + head) * cpu->head_bytes;
}

/* Turns a row's keys and keeps them with its values. */
static void keep(struct cpu *cpu, const struct exec_row *row, uint32_t index, uint32_t layer)
{
    const struct hyper *hyper = &cpu->hyper;
    size_t first = (size_t)index * hyper->kv_heads * hyper->head_size;
    char *page = cpu->slab + row->pages[row->position / EXEC_PAGE] * cpu->page_bytes;
    for (uint32_t head = 0; head < hyper->kv_heads; head++) {
        size_t at = first + (size_t)head * hyper->head_size;
        char *keys = page + keys_at(cpu, layer, head);
        kernel_rotate(cpu->key + at, cpu->angles + (size_t)index * hyper->rotary, hyper->rotary);
        struct kernel_place place = {.keys = keys,
                                     .values = keys + hyper->kv_heads * cpu->head_bytes,
                                     .type = cpu->options.kv_type,
                                     .head_size = hyper->head_size,
                                     .slot = row->position % EXEC_PAGE};
        kernel_keep(&place, cpu->key + at, cpu->value + at);
    }
}

/* What a layer does to rows, for the threads. */
struct layer_job {
    struct cpu *cpu;
    const struct layer *layer;
    const struct exec_row *rows;
    uint32_t index; /* of the layer in the shard */
    uint32_t pairs; /* of rows and heads of keys */
    uint32_t chunks;
};

/* The query heads of a row that look at the same keys. */
static void look(const struct layer_job *job, uint32_t index, uint32_t kv_head, float *scores)
{
    struct cpu *cpu = job->cpu;
    const struct hyper *hyper = &cpu->hyper;
    const struct exec_row *row = job->rows + index;
    bool is_windowed = hyper_is_windowed(hyper, cpu->options.layer_begin + job->index);
    uint32_t group = hyper->heads / hyper->kv_heads;
    struct kernel_attention attention = {.slab = cpu->slab,
                                         .pages = row->pages,
                                         .page_bytes = cpu->page_bytes,
                                         .keys = keys_at(cpu, job->index, kv_head),
                                         .type = cpu->options.kv_type,
                                         .head_size = hyper->head_size,
                                         .end = row->position + 1,
                                         .scale = hyper->attention_scale,
                                         .cap = hyper->attention_cap};
    attention.values = attention.keys + hyper->kv_heads * cpu->head_bytes;
    if (is_windowed && attention.end > hyper->window)
        attention.first = attention.end - hyper->window;
    for (uint32_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
        size_t at = ((size_t)index * hyper->heads + head) * hyper->head_size;
        kernel_rotate(cpu->query + at, cpu->angles + (size_t)index * hyper->rotary, hyper->rotary);
        attention.query = cpu->query + at;
        cpu->simd->attend(cpu->heads + at, scores, &attention);
    }
}

static void look_chunk(void *argument, uint32_t chunk, uint32_t thread)
{
    const struct layer_job *job = argument;
    uint32_t heads = job->cpu->hyper.kv_heads;
    for (uint32_t pair = chunk; pair < job->pairs; pair += job->chunks)
        look(job, pair / heads, pair % heads, job->cpu->scores + thread * job->cpu->score_count);
}

static void activate_row(void *argument, uint32_t row, uint32_t thread)
{
    const struct layer_job *job = argument;
    const struct cpu *cpu = job->cpu;
    size_t at = (size_t)row * cpu->hyper.inner;
    (void)thread;
    cpu->simd->activate(cpu->up + at, job->layer->has_gate ? cpu->gate + at : NULL,
                        cpu->hyper.inner, cpu->hyper.activation);
}

static void multiply(const struct cpu *cpu, const struct matrix *matrix, float *out,
                     const float *in, uint32_t count)
{
    struct matrix_product product = {
        .matrix = matrix, .simd = cpu->simd, .in = in, .out = out, .count = count};
    matrix_multiply(&product, cpu->pool);
}

static void run_layer(struct cpu *cpu, uint32_t index, const struct exec_row *rows, uint32_t count)
{
    const struct layer *layer = cpu->layers + index;
    struct layer_job job = {cpu, layer, rows, index, count * cpu->hyper.kv_heads, 0};
    job.chunks = job.pairs < POOL_CHUNKS_MAX ? job.pairs : POOL_CHUNKS_MAX;
    normalize(cpu, &layer->attention_norm, cpu->norm, cpu->state, count);
    multiply(cpu, &layer->query, cpu->query, cpu->norm, count);
    multiply(cpu, &layer->key, cpu->key, cpu->norm, count);
    multiply(cpu, &layer->value, cpu->value, cpu->norm, count);
    for (uint32_t j = 0; j < count; j++)
        keep(cpu, rows + j, j, index);
    pool_run(cpu->pool, look_chunk, &job, job.chunks);
    multiply(cpu, &layer->attention_out, cpu->norm, cpu->heads, count);
    add(cpu, &layer->post_attention_norm, cpu->norm, count);

    normalize(cpu, &layer->inner_norm, cpu->norm, cpu->state, count);
    multiply(cpu, &layer->up, cpu->up, cpu->norm, count);
    if (layer->has_gate)
        multiply(cpu, &layer->gate, cpu->gate, cpu->norm, count);
    pool_run(cpu->pool, activate_row, &job, count);
    multiply(cpu, &layer->down, cpu->norm, cpu->up, count);
    add(cpu, &layer->post_inner_norm, cpu->norm, count);
}

/* Gives what is asked for; all logits by one reading of the head. */
static void tell(struct cpu *cpu, const struct exec_row *rows, uint32_t count)
{
    const struct hyper *hyper = &cpu->hyper;
    struct matrix_product product = {
        .matrix = &cpu->output, .simd = cpu->simd, .in = cpu->norm, .outs = cpu->logits};
    for (uint32_t j = 0; j < count; j++) {
        const float *state = cpu->state + (size_t)j * hyper->width;
        if (rows[j].hidden != NULL)
            memcpy(rows[j].hidden, state, hyper->width * sizeof *state);
        if (rows[j].logits == NULL)
            continue;
        normalize(cpu, &cpu->output_norm, cpu->norm + (size_t)product.count * hyper->width, state,
                  1);
        cpu->logits[product.count++] = rows[j].logits;
    }
    if (product.count > 0)
        matrix_multiply(&product, cpu->pool);
    for (uint32_t i = 0; hyper->output_cap != 0 && i < product.count; i++)
        cpu->simd->cap(cpu->logits[i], hyper->vocabulary, hyper->output_cap);
}

static bool run(void *state, const struct exec_row *rows, uint32_t count, struct err *err)
{
    struct cpu *cpu = state;
    (void)err; /* a processor does not fail */
    begin(cpu, rows, count);
    for (uint32_t i = 0; i < cpu->layer_count; i++)
        run_layer(cpu, i, rows, count);
    tell(cpu, rows, count);
    return true;
}

static bool copy_page(void *state, uint32_t to, uint32_t from, struct err *err)
{
    const struct cpu *cpu = state;
    (void)err;
    memcpy(cpu->slab + to * cpu->page_bytes, cpu->slab + from * cpu->page_bytes, cpu->page_bytes);
    return true;
}

static void close_cpu(void *state)
{
    struct cpu *cpu = state;
    for (uint32_t i = 0; i < cpu->layer_count; i++)
        layer_clear(cpu->layers + i);
    layer_norm_clear(&cpu->output_norm);
    matrix_clear(&cpu->output);
    entry_clear(&cpu->entry);
    pool_free(cpu->pool);
    void *arrays[] = {cpu->layers, cpu->slab,   cpu->state,  cpu->norm, cpu->query,
                      cpu->heads,  cpu->key,    cpu->value,  cpu->gate, cpu->up,
                      cpu->angles, cpu->scores, cpu->logits, cpu};
    for (void **array = arrays; array < arrays + ARRAY_LEN(arrays); array++)
        free(*array);
}

/* Room for what rows leave between operators. */
static void make_room(struct cpu *cpu, uint32_t pages)
{
    const struct hyper *hyper = &cpu->hyper;
    size_t rows = cpu->options.rows_max;
    size_t heads = (size_t)hyper->heads * hyper->head_size;
    size_t kept = (size_t)hyper->kv_heads * hyper->head_size;
    cpu->state = array_of(rows * hyper->width, sizeof(float));
    cpu->norm = array_of(rows * hyper->width, sizeof(float));
    cpu->query = array_of(rows * heads, sizeof(float));
    cpu->heads = array_of(rows * heads, sizeof(float));
    cpu->key = array_of(rows * kept, sizeof(float));
    cpu->value = array_of(rows * kept, sizeof(float));
    cpu->gate = array_of(rows * hyper->inner, sizeof(float));
    cpu->up = array_of(rows * hyper->inner, sizeof(float));
    cpu->angles = array_of(rows * hyper->rotary, sizeof(float));
    cpu->logits = array_of(rows, sizeof *cpu->logits);
    cpu->score_count = ((size_t)pages + 1) * EXEC_PAGE;
    cpu->scores = array_of(cpu->score_count * pool_threads(cpu->pool), sizeof(float));
}

static void count_matrix(struct exec_device *device, const struct matrix *matrix)
{
    device->weights += (uint64_t)matrix->rows * matrix->columns;
    device->weight_bytes += matrix->bytes;
}

static void count_weights(struct exec_device *device, const struct cpu *cpu)
{
    for (uint32_t i = 0; i < cpu->layer_count; i++) {
        const struct layer *layer = cpu->layers + i;
        count_matrix(device, &layer->query);
        count_matrix(device, &layer->key);
        count_matrix(device, &layer->value);
        count_matrix(device, &layer->attention_out);
        count_matrix(device, &layer->gate);
        count_matrix(device, &layer->up);
        count_matrix(device, &layer->down);
    }
    device->head_weights = (uint64_t)cpu->output.rows * cpu->output.columns;
    device->head_bytes = cpu->output.bytes;
}

static bool load(struct cpu *cpu, const struct model *model, struct err *err)
{
    const struct exec_options *options = &cpu->options;
    struct weight_id output = {.weight = WEIGHT_OUTPUT};
    enum dtype_made head = exec_head_made(options->weights);
    for (uint32_t i = 0; i < cpu->layer_count; i++)
        if (!layer_make(cpu->layers + i, model, options->layer_begin + i, options->weights,
                        cpu->pool, err))
            return false;
    if (!entry_make(&cpu->entry, model, options->has_embedding))
        return err_set(err, ERR_INTERNAL, "a model without an embedding was opened");
    if (!options->has_head)
        return true;
    layer_norm_make(&cpu->output_norm, model, WEIGHT_OUTPUT_NORM, 0);
    return matrix_make(&cpu->output, model, output, head, cpu->pool, err);
}

bool exec_cpu_open(struct exec_device *device, const struct model *model,
                   const struct exec_options *options, uint32_t pages, struct err *err)
{
    const struct hyper *hyper = &model->hyper;
    struct cpu *cpu = array_of(1, sizeof *cpu);
    *cpu = (struct cpu){.hyper = *hyper,
                        .options = *options,
                        .layer_count = options->layer_end - options->layer_begin};
    cpu->head_bytes = (size_t)EXEC_PAGE * hyper->head_size * dtype_block(options->kv_type).bytes;
    cpu->page_bytes = cpu->head_bytes * hyper->kv_heads * 2 * cpu->layer_count;
    cpu->slab = reallocarray(NULL, pages, cpu->page_bytes);
    if (cpu->slab == NULL) {
        free(cpu);
        return err_set(err, ERR_INVALID, "no memory for %u positions", options->positions);
    }
    cpu->pool = pool_new(options->threads);
    cpu->simd = simd_at(0);
    make_room(cpu, pages);
    cpu->layers = array_of(cpu->layer_count, sizeof *cpu->layers);
    if (!load(cpu, model, err)) {
        close_cpu(cpu);
        return false;
    }
    *device = (struct exec_device){.state = cpu, .run = run, .copy = copy_page, .close = close_cpu};
    count_weights(device, cpu);
    return true;
}

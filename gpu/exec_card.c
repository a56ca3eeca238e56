#include <stdlib.h>

#include "gpu/card_layer.h"
#include "gpu/card_room.h"
#include "gpu/card_step.h"
#include "gpu/entry.h"
#include "gpu/exec_device.h"
#include "gpu/model.h"
#include "gpu/pool.h"
#include "shared/err.h"

/* LOGIT_ROWS: whose logits a card keeps at once. RECORDED_MAX: rows of steps that are recorded. */
enum { LOGIT_ROWS = 32, RECORDED_MAX = 32 };

struct seat {
    const struct card *card;
    struct hyper hyper;
    struct exec_options options;
    struct entry entry;
    struct card_layer_norm output_norm;
    struct card_matrix output;
    struct card_layer *layers; /* those of the shard */
    uint32_t layer_count;

    char *slab; /* of pages: (layer, key and value, kv head, EXEC_PAGE * head_size) */
    size_t page_bytes, head_bytes;

    struct card_room room;
    struct card_step step;

    /* The same, as the host makes it. */
    float *host_state, *host_turns;

    void *recordings[RECORDED_MAX + 1]; /* by rows: of steps whose rows all tell the same */
};

static void *array_of(size_t count, size_t size)
{
    void *array = calloc(count + (count == 0), size);
    if (array == NULL)
        abort();
    return array;
}

static void forget_recordings(struct seat *seat)
{
    for (uint32_t i = 0; i <= RECORDED_MAX; i++) {
        if (seat->recordings[i] != NULL)
            seat->card->forget(seat->recordings[i]);
        seat->recordings[i] = NULL;
    }
}

/* Tells the card what the step is about. */
static bool begin(struct seat *seat, const struct exec_row *rows, uint32_t count)
{
    size_t width = seat->hyper.width;
    size_t rotary = seat->hyper.rotary;
    for (uint32_t j = 0; j < count; j++) {
        entry_state(&seat->entry, seat->host_state + j * width, rows + j);
        entry_turns(&seat->entry, seat->host_turns + j * rotary, rows + j);
    }
    seat->card->put(seat->room.state, seat->host_state, count * width * sizeof(float));
    if (rotary > 0)
        seat->card->put(seat->room.turns, seat->host_turns, count * rotary * sizeof(float));
    bool has_moved = false;
    bool ok = card_step_put(&seat->step, seat->card, rows, count, &has_moved);
    if (has_moved)
        forget_recordings(seat);
    return ok;
}

static void normalize(const struct seat *seat, const struct card_layer_norm *norm, float *out,
                      const float *in, uint32_t rows)
{
    struct card_norm call = {.out = out,
                             .in = in,
                             .gain = norm->gain,
                             .bias = norm->bias,
                             .rows = rows,
                             .width = seat->hyper.width,
                             .epsilon = seat->hyper.epsilon};
    seat->card->normalize(&call);
}

static void multiply(const struct seat *seat, const struct card_matrix *matrix, float *out,
                     const float *in, uint32_t count)
{
    if (matrix->takes_digits) {
        struct card_digits digits = {seat->room.digits, seat->room.scales, in, count,
                                     matrix->columns};
        seat->card->digits(&digits);
    }
    struct card_product product = {.weights = matrix->weights,
                                   .pack_bytes = matrix->pack_bytes,
                                   .type = matrix->type,
                                   .rows = matrix->rows,
                                   .columns = matrix->columns,
                                   .count = count,
                                   .bias = matrix->bias,
                                   .in = in,
                                   .out = out,
                                   .digits = matrix->takes_digits ? seat->room.digits : NULL,
                                   .scales = seat->room.scales};
    seat->card->multiply(&product);
}

/* state += norm of part, where the family has that norm */
static void add(const struct seat *seat, const struct card_layer_norm *norm, float *part,
                uint32_t rows)
{
    if (norm->gain != NULL)
        normalize(seat, norm, part, part, rows);
    seat->card->add(seat->room.state, part, (uint64_t)rows * seat->hyper.width);
}

/* Where in a page a layer of the shard has its keys; its values lie behind those. */
static size_t keys_at(const struct seat *seat, uint32_t layer)
{
    return (size_t)layer * 2 * seat->hyper.kv_heads * seat->head_bytes;
}

static void look(const struct seat *seat, uint32_t index, uint32_t count)
{
    const struct hyper *hyper = &seat->hyper;
    bool is_windowed = hyper_is_windowed(hyper, seat->options.layer_begin + index);
    size_t keys = keys_at(seat, index);
    struct card_place place = {.query = seat->room.query,
                               .key = seat->room.key,
                               .value = seat->room.value,
                               .turns = seat->room.turns,
                               .positions = seat->step.positions,
                               .pages = seat->step.row_pages,
                               .slab = seat->slab,
                               .page_bytes = seat->page_bytes,
                               .keys = keys,
                               .values = keys + hyper->kv_heads * seat->head_bytes,
                               .type = seat->options.kv_type,
                               .rows = count,
                               .heads = hyper->heads,
                               .kv_heads = hyper->kv_heads,
                               .head_size = hyper->head_size,
                               .rotary = hyper->rotary};
    struct card_attention attention = {.out = seat->room.heads,
                                       .query = seat->room.query,
                                       .slab = seat->slab,
                                       .positions = seat->step.positions,
                                       .pages = seat->step.pages,
                                       .page_firsts = seat->step.page_firsts,
                                       .page_bytes = seat->page_bytes,
                                       .keys = place.keys,
                                       .values = place.values,
                                       .type = place.type,
                                       .rows = count,
                                       .heads = hyper->heads,
                                       .kv_heads = hyper->kv_heads,
                                       .head_size = hyper->head_size,
                                       .window = is_windowed ? hyper->window : 0,
                                       .scale = hyper->attention_scale,
                                       .cap = hyper->attention_cap};
    seat->card->place(&place);
    seat->card->attend(&attention);
}

static void run_layer(const struct seat *seat, uint32_t index, uint32_t count)
{
    const struct card_layer *layer = seat->layers + index;
    uint64_t inner = (uint64_t)count * seat->hyper.inner;
    normalize(seat, &layer->attention_norm, seat->room.norm, seat->room.state, count);
    multiply(seat, &layer->query, seat->room.query, seat->room.norm, count);
    multiply(seat, &layer->key, seat->room.key, seat->room.norm, count);
    multiply(seat, &layer->value, seat->room.value, seat->room.norm, count);
    look(seat, index, count);
    multiply(seat, &layer->attention_out, seat->room.norm, seat->room.heads, count);
    add(seat, &layer->post_attention_norm, seat->room.norm, count);

    normalize(seat, &layer->inner_norm, seat->room.norm, seat->room.state, count);
    multiply(seat, &layer->up, seat->room.up, seat->room.norm, count);
    if (layer->has_gate)
        multiply(seat, &layer->gate, seat->room.gate, seat->room.norm, count);
    seat->card->activate(seat->room.up, layer->has_gate ? seat->room.gate : NULL, inner,
                         seat->hyper.activation);
    multiply(seat, &layer->down, seat->room.norm, seat->room.up, count);
    add(seat, &layer->post_inner_norm, seat->room.norm, count);
}

/* Logits of rows that lie together in norm, to the card's memory. */
static void find_logits(const struct seat *seat, const float *norm, uint32_t count)
{
    multiply(seat, &seat->output, seat->room.logits, norm, count);
    if (seat->hyper.output_cap != 0)
        seat->card->cap(seat->room.logits, (uint64_t)count * seat->hyper.vocabulary,
                        seat->hyper.output_cap);
}

static void get_logits(const struct seat *seat, const struct exec_row *const *rows, uint32_t count)
{
    size_t vocabulary = seat->hyper.vocabulary;
    for (uint32_t i = 0; i < count; i++)
        seat->card->get(rows[i]->logits, seat->room.logits + i * vocabulary,
                        vocabulary * sizeof(float));
}

/* Of those rows that are asked, the norm lies together and the head is read for many at once. */
static void tell_some(const struct seat *seat, const struct exec_row *rows, uint32_t count)
{
    const struct exec_row *told[LOGIT_ROWS];
    uint32_t told_count = 0;
    size_t width = seat->hyper.width;
    for (uint32_t j = 0; j < count; j++) {
        if (rows[j].logits != NULL) {
            normalize(seat, &seat->output_norm, seat->room.norm + told_count * width,
                      seat->room.state + j * width, 1);
            told[told_count++] = rows + j;
        }
        if (told_count == LOGIT_ROWS || (told_count > 0 && j + 1 == count)) {
            find_logits(seat, seat->room.norm, told_count);
            get_logits(seat, told, told_count);
            told_count = 0;
        }
    }
}

static void run_layers(const struct seat *seat, uint32_t count)
{
    for (uint32_t i = 0; i < seat->layer_count; i++)
        run_layer(seat, i, count);
}

/* All rows tell logits, or none can: what is run differs in what it is told alone. */
static bool is_alike(const struct seat *seat, const struct exec_row *rows, uint32_t count)
{
    if (count > RECORDED_MAX)
        return false;
    for (uint32_t j = 0; j < count; j++)
        if (rows[j].logits == NULL && seat->options.has_head)
            return false;
    return true;
}

static void run_alike(struct seat *seat, const struct exec_row *rows, uint32_t count)
{
    const struct exec_row *told[RECORDED_MAX];
    void **recording = seat->recordings + count;
    if (*recording == NULL) {
        seat->card->record();
        run_layers(seat, count);
        if (seat->options.has_head) {
            normalize(seat, &seat->output_norm, seat->room.norm, seat->room.state, count);
            find_logits(seat, seat->room.norm, count);
        }
        *recording = seat->card->recorded();
    }
    if (*recording == NULL)
        return;
    seat->card->replay(*recording);
    for (uint32_t j = 0; j < count; j++)
        told[j] = rows + j;
    if (seat->options.has_head)
        get_logits(seat, told, count);
}

static bool run(void *state, const struct exec_row *rows, uint32_t count, struct err *err)
{
    struct seat *seat = state;
    size_t width = seat->hyper.width;
    if (!begin(seat, rows, count))
        return err_set(err, ERR_INTERNAL, "the card has no memory for the pages of a step");
    bool alike = is_alike(seat, rows, count);
    if (alike)
        run_alike(seat, rows, count);
    if (!alike || seat->recordings[count] == NULL) {
        run_layers(seat, count);
        tell_some(seat, rows, count);
    }
    for (uint32_t j = 0; j < count; j++)
        if (rows[j].hidden != NULL)
            seat->card->get(rows[j].hidden, seat->room.state + j * width, width * sizeof(float));
    const char *fault = seat->card->finish();
    return fault == NULL || err_set(err, ERR_INTERNAL, "the card: %.90s", fault);
}

static bool copy_page(void *state, uint32_t to, uint32_t from, struct err *err)
{
    struct seat *seat = state;
    (void)err; /* told by the run that follows */
    seat->card->copy(seat->slab + to * seat->page_bytes, seat->slab + from * seat->page_bytes,
                     seat->page_bytes);
    return true;
}

static void close_seat(void *state)
{
    struct seat *seat = state;
    const struct card *card = seat->card;
    forget_recordings(seat);
    for (uint32_t i = 0; i < seat->layer_count; i++)
        card_layer_clear(seat->layers + i, card);
    card_norm_clear(&seat->output_norm, card);
    card_matrix_clear(&seat->output, card);
    entry_clear(&seat->entry);
    card_step_clear(&seat->step, card);
    card_room_clear(&seat->room, card);
    card->give(seat->slab);
    void *ours[] = {seat->layers, seat->host_state, seat->host_turns, seat};
    for (void **memory = ours; memory < ours + ARRAY_LEN(ours); memory++)
        free(*memory);
}

static bool has_no_room(struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "the card has too little memory: fewer layers or positions, or a smaller type "
                   "of weights");
}

/* False when the card has too little. */
static bool make_room(struct seat *seat, uint32_t pages)
{
    const struct hyper *hyper = &seat->hyper;
    uint32_t rows = seat->options.rows_max;
    seat->host_state = array_of((size_t)rows * hyper->width, sizeof(float));
    seat->host_turns = array_of((size_t)rows * hyper->rotary, sizeof(float));
    seat->slab = seat->card->take((uint64_t)pages * seat->page_bytes);
    return seat->slab != NULL &&
           card_room_make(&seat->room, seat->card, hyper, rows,
                          seat->options.has_head ? LOGIT_ROWS : 0) &&
           card_step_make(&seat->step, seat->card, rows);
}

static bool load(struct seat *seat, const struct model *model, struct err *err)
{
    struct pool *pool = pool_new(seat->options.threads);
    struct card_loader loader = {.card = seat->card, .model = model, .pool = pool, .err = err};
    enum dtype_made made = seat->options.weights;
    for (uint32_t i = 0; i < seat->layer_count; i++)
        card_layer_make(seat->layers + i, &loader, seat->options.layer_begin + i, made);
    if (seat->options.has_head) {
        card_matrix_make(&seat->output, &loader, (struct weight_id){.weight = WEIGHT_OUTPUT},
                         exec_head_made(made));
        card_norm_make(&seat->output_norm, &loader, WEIGHT_OUTPUT_NORM, 0);
    }
    pool_free(pool);
    return !loader.has_failed && (!loader.is_full || has_no_room(err));
}

static void count_matrix(struct exec_device *device, const struct card_matrix *matrix)
{
    device->weights += (uint64_t)matrix->rows * matrix->columns;
    device->weight_bytes += matrix->bytes;
}

static void count_weights(struct exec_device *device, const struct seat *seat)
{
    for (uint32_t i = 0; i < seat->layer_count; i++) {
        const struct card_layer *layer = seat->layers + i;
        count_matrix(device, &layer->query);
        count_matrix(device, &layer->key);
        count_matrix(device, &layer->value);
        count_matrix(device, &layer->attention_out);
        count_matrix(device, &layer->gate);
        count_matrix(device, &layer->up);
        count_matrix(device, &layer->down);
    }
    device->head_weights = (uint64_t)seat->output.rows * seat->output.columns;
    device->head_bytes = seat->output.bytes;
}

static bool open_seat(struct seat *seat, const struct model *model, uint32_t pages, struct err *err)
{
    if (!entry_make(&seat->entry, model, seat->options.has_embedding))
        return err_set(err, ERR_INTERNAL, "a model without an embedding was opened");
    return load(seat, model, err) && (make_room(seat, pages) || has_no_room(err));
}

bool exec_card_open(struct exec_device *device, const struct model *model,
                    const struct exec_options *options, uint32_t pages, struct err *err)
{
    const struct hyper *hyper = &model->hyper;
    struct seat *seat = array_of(1, sizeof *seat);
    *seat = (struct seat){.card = options->card,
                          .hyper = *hyper,
                          .options = *options,
                          .layer_count = options->layer_end - options->layer_begin};
    seat->head_bytes = (size_t)EXEC_PAGE * hyper->head_size * dtype_block(options->kv_type).bytes;
    seat->page_bytes = seat->head_bytes * hyper->kv_heads * 2 * seat->layer_count;
    seat->layers = array_of(seat->layer_count, sizeof(struct card_layer));
    if (!open_seat(seat, model, pages, err)) {
        close_seat(seat);
        return false;
    }
    *device =
        (struct exec_device){.state = seat, .run = run, .copy = copy_page, .close = close_seat};
    count_weights(device, seat);
    return true;
}

#include "gpu/exec.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "gpu/exec_device.h"
#include "gpu/model.h"
#include "gpu/paging.h"
#include "shared/err.h"

struct exec {
    struct hyper hyper;
    struct exec_options options;
    struct exec_device device;
    struct paging paging;
    struct exec_row *rows; /* of the step at hand */
    struct exec_statistics statistics;
};

struct exec_options exec_options_whole(const struct model *model, uint32_t positions)
{
    return (struct exec_options){.layer_end = model->hyper.layers,
                                 .has_embedding = true,
                                 .has_head = true,
                                 .kv_type = DTYPE_BF16,
                                 .positions = positions,
                                 .sessions_max = 1,
                                 .rows_max = 256};
}

static bool check(const struct exec_options *options, const struct hyper *hyper, struct err *err)
{
    uint32_t begin = options->layer_begin;
    uint32_t end = options->layer_end;
    if (begin >= end || end > hyper->layers)
        return err_set(err, ERR_INVALID, "layers %u to %u are not in a model of %u", begin, end,
                       hyper->layers);
    if (options->has_embedding != (begin == 0) || options->has_head != (end == hyper->layers))
        return err_set(err, ERR_INVALID,
                       "the embedding is with the first layer, the head with the "
                       "last");
    if (options->kv_type != DTYPE_F32 && options->kv_type != DTYPE_BF16)
        return err_set(err, ERR_UNSUPPORTED, "keys and values of type %s",
                       dtype_name(options->kv_type));
    if (options->sessions_max == 0 || options->sessions_max > EXEC_SESSIONS_MAX)
        return err_set(err, ERR_INVALID, "%u sessions; 1 to %u", options->sessions_max,
                       EXEC_SESSIONS_MAX);
    if (options->rows_max == 0 || options->rows_max > EXEC_ROWS_MAX)
        return err_set(err, ERR_INVALID, "steps of %u rows; 1 to %u", options->rows_max,
                       EXEC_ROWS_MAX);
    return options->positions > 0 || err_set(err, ERR_INVALID, "no positions");
}

/* How far every layer looks back; 0 when one looks at all. */
static uint32_t window_of(const struct hyper *hyper, const struct exec_options *options)
{
    for (uint32_t layer = options->layer_begin; layer < options->layer_end; layer++)
        if (!hyper_is_windowed(hyper, layer))
            return 0;
    return hyper->window;
}

bool exec_open(struct exec **out, const struct model *model, const struct exec_options *options,
               struct err *err)
{
    struct exec_device device;
    if (!check(options, &model->hyper, err))
        return false;
    uint32_t pages = options->positions / EXEC_PAGE + (options->positions % EXEC_PAGE != 0);
    bool ok = options->card == NULL ? exec_cpu_open(&device, model, options, pages, err)
                                    : exec_card_open(&device, model, options, pages, err);
    if (!ok)
        return false;
    struct exec *exec = calloc(1, sizeof *exec);
    if (exec == NULL)
        abort();
    exec->hyper = model->hyper;
    exec->options = *options;
    exec->device = device;
    exec->rows = calloc(options->rows_max, sizeof *exec->rows);
    if (exec->rows == NULL)
        abort();
    paging_open(&exec->paging, pages, options->sessions_max);
    exec->paging.window = window_of(&exec->hyper, options);
    exec->paging.slack = options->rows_max;
    *out = exec;
    return true;
}

void exec_close(struct exec *exec)
{
    if (exec == NULL)
        return;
    exec->device.close(exec->device.state);
    paging_clear(&exec->paging);
    free(exec->rows);
    free(exec);
}

struct exec_options exec_options(const struct exec *exec)
{
    return exec->options;
}

const struct hyper *exec_hyper(const struct exec *exec)
{
    return &exec->hyper;
}

static bool is_within(const struct exec *exec, uint32_t positions_max, struct err *err)
{
    return (positions_max > 0 && positions_max <= exec->hyper.context) ||
           err_set(err, ERR_INVALID, "a session of %u positions; the model has 1 to %u",
                   positions_max, exec->hyper.context);
}

bool exec_session_open(struct exec *exec, uint64_t session, uint32_t positions_max, struct err *err)
{
    return is_within(exec, positions_max, err) &&
           paging_add(&exec->paging, session, positions_max, err);
}

static bool is_long(const struct exec *exec, uint32_t positions_max)
{
    return exec->hyper.rope_switch > 0 && positions_max > exec->hyper.rope_switch;
}

bool exec_fork(struct exec *exec, uint64_t from, uint64_t session, uint32_t positions,
               uint32_t positions_max, struct err *err)
{
    const struct paging_session *source = paging_find(&exec->paging, from);
    if (!is_within(exec, positions_max, err))
        return false;
    if (source != NULL && is_long(exec, source->length_max) != is_long(exec, positions_max))
        return err_set(err, ERR_INVALID, "only one of the two has the long rope factors");
    return paging_fork(&exec->paging, from, session, positions, positions_max, err);
}

bool exec_truncate(struct exec *exec, uint64_t session, uint32_t positions)
{
    struct paging_session *found = paging_find(&exec->paging, session);
    if (found == NULL || !paging_reaches(&exec->paging, found, positions))
        return false;
    paging_cut(&exec->paging, found, positions);
    return true;
}

void exec_session_close(struct exec *exec, uint64_t session)
{
    paging_remove(&exec->paging, session);
}

uint32_t exec_length(const struct exec *exec, uint64_t session)
{
    const struct paging_session *found = paging_find(&exec->paging, session);
    return found == NULL ? 0 : found->length;
}

uint32_t exec_pages(const struct exec *exec, uint32_t positions)
{
    uint32_t most = positions;
    uint32_t kept = exec->paging.window + 2 * exec->paging.slack + EXEC_PAGE;
    if (exec->paging.window > 0 && most > kept)
        most = kept;
    return most / EXEC_PAGE + (most % EXEC_PAGE != 0);
}

static bool has_good_input(const struct exec *exec, const struct exec_span *span)
{
    if (span->count == 0 || span->logit_count > span->count ||
        (span->logit_count > 0 && !exec->options.has_head))
        return false;
    size_t numbers = (size_t)span->count * exec->hyper.width;
    for (uint32_t i = 0; exec->options.has_embedding && i < span->count; i++)
        if (span->tokens[i] >= exec->hyper.vocabulary)
            return false;
    for (size_t i = 0; !exec->options.has_embedding && i < numbers; i++)
        if (!isfinite(span->in[i]))
            return false;
    return true;
}

/* Whether the span can run; its session is then as long as it will be. */
static enum exec_verdict admit(struct exec *exec, const struct exec_span *span,
                               struct paging_copy *copy)
{
    struct paging_session *session = paging_find(&exec->paging, span->session);
    if (session == NULL)
        return EXEC_NO_SESSION;
    if (session->step == exec->statistics.steps)
        return EXEC_BAD_INPUT;
    if (span->position > session->length)
        return EXEC_GAP;
    if (span->count > session->length_max - span->position)
        return EXEC_TOO_LONG;
    if (!has_good_input(exec, span))
        return EXEC_BAD_INPUT;
    if (!paging_reaches(&exec->paging, session, span->position))
        return EXEC_GONE;
    if (!paging_write(&exec->paging, session, span->position, span->count, copy))
        return EXEC_NO_PAGES;
    session->step = exec->statistics.steps;
    return EXEC_DONE;
}

/* The rows of a span. */
static uint32_t lay_out(const struct exec *exec, struct exec_row *rows,
                        const struct exec_span *span)
{
    const struct hyper *hyper = &exec->hyper;
    const struct paging_session *session = paging_find(&exec->paging, span->session);
    uint32_t silent = span->count - span->logit_count;
    for (uint32_t i = 0; i < span->count; i++) {
        struct exec_row *row = rows + i;
        *row = (struct exec_row){.position = span->position + i,
                                 .pages = session->pages,
                                 .is_long = is_long(exec, session->length_max)};
        if (exec->options.has_embedding)
            row->token = span->tokens[i];
        else
            row->in = span->in + (size_t)i * hyper->width;
        if (span->hidden != NULL)
            row->hidden = span->hidden + (size_t)i * hyper->width;
        if (i >= silent)
            row->logits = span->logits + (size_t)(i - silent) * hyper->vocabulary;
    }
    return span->count;
}

static void count_step(struct exec *exec, const struct exec_row *rows, uint32_t count)
{
    struct exec_statistics *statistics = &exec->statistics;
    const struct exec_device *device = &exec->device;
    uint64_t told = 0;
    for (uint32_t i = 0; i < count; i++)
        told += rows[i].logits != NULL;
    statistics->rows += count;
    statistics->weight_bytes += device->weight_bytes + (told > 0 ? device->head_bytes : 0);
    statistics->operations += 2 * (count * device->weights + told * device->head_weights);
}

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Sessions end where the spans that were admitted began. */
static void undo(struct exec *exec, const struct exec_span *spans, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (spans[i].verdict == EXEC_DONE)
            paging_cut(&exec->paging, paging_find(&exec->paging, spans[i].session),
                       spans[i].position);
}

/* Decides on each span. False when the device fails. */
static bool admit_all(struct exec *exec, struct exec_span *spans, uint32_t count, struct err *err)
{
    for (uint32_t i = 0; i < count; i++) {
        struct paging_copy copy = {0};
        spans[i].verdict = admit(exec, spans + i, &copy);
        if (copy.is_wanted && !exec->device.copy(exec->device.state, copy.to, copy.from, err)) {
            undo(exec, spans, i);
            paging_cut(&exec->paging, paging_find(&exec->paging, spans[i].session),
                       spans[i].position / EXEC_PAGE * EXEC_PAGE);
            return false;
        }
    }
    return true;
}

static bool run(struct exec *exec, uint32_t rows, struct err *err)
{
    uint64_t begin = nanoseconds();
    if (!exec->device.run(exec->device.state, exec->rows, rows, err))
        return false;
    exec->statistics.nanoseconds += nanoseconds() - begin;
    count_step(exec, exec->rows, rows);
    return true;
}

bool exec_step(struct exec *exec, struct exec_span *spans, uint32_t count, struct err *err)
{
    uint64_t wanted = 0;
    uint32_t rows = 0;
    for (uint32_t i = 0; i < count; i++)
        wanted += spans[i].count;
    if (wanted > exec->options.rows_max)
        return err_set(err, ERR_INVALID, "a step of %llu rows; at most %u",
                       (unsigned long long)wanted, exec->options.rows_max);
    exec->statistics.steps++;
    if (!admit_all(exec, spans, count, err))
        return false;
    for (uint32_t i = 0; i < count; i++) /* now that no session's pages move any more */
        if (spans[i].verdict == EXEC_DONE)
            rows += lay_out(exec, exec->rows + rows, spans + i);
    if (rows == 0 || run(exec, rows, err))
        return true;
    undo(exec, spans, count);
    return false;
}

struct exec_statistics exec_statistics(const struct exec *exec)
{
    struct exec_statistics statistics = exec->statistics;
    statistics.pages = exec->paging.pages;
    statistics.pages_free = exec->paging.free_count;
    statistics.sessions = exec->paging.session_count;
    return statistics;
}

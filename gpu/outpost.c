#include "gpu/outpost.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>

#include "gpu/exec.h"
#include "gpu/model.h"
#include "gpu/root.h"
#include "shared/err.h"
#include "shared/number.h"

enum { CONTEXT_MAX = 8192, ROWS = 256, SESSIONS = 16, HOST_MAX = 64, NEXT_BYTES_MAX = 2048 };
enum { LEAVE_MS = 3000, LEAVE_TICK_MS = 20 };

/* Where it listens, and to whom. */
struct outpost_place {
    char host[HOST_MAX];
    char next[NEXT_BYTES_MAX];
    struct hail_door door;
};

struct outpost_call {
    FILE *out, *notes;
    bool has_run; /* and the agent has been closed */
};

/* The number from at up to end, which is text's, too. */
static bool read_number(uint32_t *number, const char *at, const char *end)
{
    int64_t value;
    if (!number_decimal(&value, (struct span){at, (size_t)(end - at)}) || value > INT32_MAX)
        return false;
    *number = (uint32_t)value;
    return true;
}

bool outpost_layers(uint32_t *begin, uint32_t *end, const char *layers, const struct model *model,
                    struct err *err)
{
    const char *dash = strchr(layers, '-');
    uint32_t last;
    if (dash == NULL || !read_number(begin, layers, dash) ||
        !read_number(&last, dash + 1, layers + strlen(layers)) || last < *begin ||
        last >= model->hyper.layers)
        return err_set(err, ERR_INVALID, "--layers %.20s: the model has 0-%u", layers,
                       model->hyper.layers - 1);
    *end = last + 1;
    return true;
}

bool outpost_next(const char **next, uint32_t *count, char *list, struct err *err)
{
    char *rest = NULL;
    *count = 0;
    for (char *at = strtok_r(list, ",", &rest); at != NULL; at = strtok_r(NULL, ",", &rest)) {
        if (*count == STATION_NEXT_MAX)
            return err_set(err, ERR_INVALID, "more than %d stages to go on with", STATION_NEXT_MAX);
        next[(*count)++] = at;
    }
    return true;
}

bool outpost_key(struct bytes32 *key, const char *file, const char *host, struct err *err)
{
    bool is_own = strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
    *key = (struct bytes32){0};
    if (file != NULL)
        return station_read_key(key, file, err);
    return is_own || err_set(err, ERR_INVALID,
                             "others can call %s: a stage there wants --stage-key-file", host);
}

static bool read_listen(char host[HOST_MAX], uint16_t *port, const char *listen, struct err *err)
{
    const char *colon = strrchr(listen, ':');
    uint32_t number;
    size_t len = colon == NULL ? 0 : (size_t)(colon - listen);
    if (len == 0 || len >= HOST_MAX || !read_number(&number, colon + 1, listen + strlen(listen)) ||
        number > UINT16_MAX)
        return err_set(err, ERR_INVALID, "--listen %.60s: it is HOST:PORT", listen);
    bool is_bracketed = listen[0] == '[' && colon[-1] == ']';
    snprintf(host, HOST_MAX, "%.*s", (int)len - (is_bracketed ? 2 : 0), listen + is_bracketed);
    *port = (uint16_t)number;
    return true;
}

/* ---- while it runs ---- */

struct outpost {
    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_timer_t leaving;
    uint64_t left_ms;
    struct station *station;
    const struct outpost_agent *agent;
    FILE *notes;
};

static void on_note(void *owner, const char *text)
{
    struct outpost *outpost = owner;
    fprintf(outpost->notes, "stage: %s\n", text);
}

static void close_all(struct outpost *outpost)
{
    if (outpost->agent != NULL)
        outpost->agent->close(outpost->agent->owner);
    station_free(outpost->station);
    outpost->station = NULL;
    uv_close((uv_handle_t *)&outpost->leaving, NULL);
    for (size_t i = 0; i < ARRAY_LEN(outpost->signals); i++)
        uv_close((uv_handle_t *)&outpost->signals[i], NULL);
}

/* Until relays have been told that it is no longer offered. */
static void on_leaving(uv_timer_t *timer)
{
    struct outpost *outpost = timer->data;
    bool is_late = uv_now(&outpost->loop) - outpost->left_ms >= LEAVE_MS;
    if (is_late || outpost->agent == NULL || outpost->agent->leave(outpost->agent->owner))
        close_all(outpost);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct outpost *outpost = handle->data;
    (void)number;
    if (uv_is_active((uv_handle_t *)&outpost->leaving) || outpost->station == NULL)
        return;
    outpost->left_ms = uv_now(&outpost->loop);
    uv_timer_start(&outpost->leaving, on_leaving, 0, LEAVE_TICK_MS);
}

static void watch_signals(struct outpost *outpost)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uv_signal_init(&outpost->loop, &outpost->signals[i]);
        outpost->signals[i].data = outpost;
        uv_signal_start(&outpost->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&outpost->loop, &outpost->leaving);
    outpost->leaving.data = outpost;
}

static bool open_agent(struct outpost *outpost, const struct outpost_facts *facts, struct err *err)
{
    struct outpost_facts own = *facts;
    own.station = outpost->station;
    own.port = station_port(outpost->station);
    return outpost->agent == NULL ||
           outpost->agent->open(outpost->agent->owner, &outpost->loop, &own, err);
}

static bool run(const struct station_setup *setup, const struct outpost_agent *agent,
                const struct outpost_facts *facts, struct outpost_call *call, struct err *err)
{
    struct outpost outpost = {.notes = call->notes, .agent = agent};
    struct station_setup own = *setup;
    if (uv_loop_init(&outpost.loop) != 0)
        abort();
    call->has_run = true;
    own.loop = &outpost.loop;
    own.note = on_note;
    own.owner = &outpost;
    outpost.station = station_new(&own, err);
    bool is_there = outpost.station != NULL;
    bool ok = is_there && open_agent(&outpost, facts, err);
    if (ok) {
        watch_signals(&outpost);
        fprintf(call->out, "ready port=%u\n", (unsigned)station_port(outpost.station));
        fflush(call->out);
    } else {
        if (agent != NULL)
            agent->close(agent->owner);
        if (is_there)
            station_free(outpost.station);
    }
    uv_run(&outpost.loop, UV_RUN_DEFAULT);
    uv_loop_close(&outpost.loop);
    return ok;
}

static struct hail_self self_of(const struct model *model, const struct exec_options *shard,
                                const char *roots)
{
    struct hail_self self = {.layers = model->hyper.layers,
                             .begin = shard->layer_begin,
                             .end = shard->layer_end,
                             .width = model->hyper.width,
                             .vocabulary = model->hyper.vocabulary};
    struct root root;
    root_read(&root, model, roots);
    self.root = root_whole(&root);
    root_clear(&root);
    if (getrandom(&self.origin, sizeof self.origin, 0) != sizeof self.origin)
        abort();
    return self;
}

/* What the options say of the place, of whom it answers, and who goes on. */
static bool read_place(struct station_setup *setup, struct exec_options *shard,
                       struct outpost_place *place, const struct outpost_options *options,
                       const struct model *model, struct err *err)
{
    snprintf(place->next, sizeof place->next, "%s", options->next != NULL ? options->next : "");
    setup->host = place->host;
    if (!outpost_layers(&shard->layer_begin, &shard->layer_end, options->layers, model, err) ||
        !read_listen(place->host, &setup->port, options->listen, err) ||
        !outpost_next(setup->next, &setup->next_count, place->next, err))
        return false;
    if (options->agent != NULL) {
        place->door = options->agent->door(options->agent->owner);
        setup->door = &place->door;
    } else if (!outpost_key(&setup->key, options->key_file, place->host, err)) {
        return false;
    }
    shard->has_embedding = shard->layer_begin == 0;
    shard->has_head = shard->layer_end == model->hyper.layers;
    if (options->agent != NULL && (shard->has_embedding || setup->next_count > 0))
        return err_set(err, ERR_INVALID,
                       "a stage that is offered has no --next, and not the first layers");
    if (options->agent == NULL &&
        (shard->has_embedding || shard->has_head != (setup->next_count == 0)))
        return err_set(err, ERR_INVALID,
                       "the last layers have no --next, others one; the first are a front's");
    return activation_find(&setup->activation, options->wire) ||
           err_set(err, ERR_INVALID, "--wire is f32, f16, bf16 or i8");
}

static bool run_shard(const struct outpost_options *options, const struct model *model,
                      struct outpost_call *call, struct err *err)
{
    struct outpost_place place;
    uint32_t context = model->hyper.context < CONTEXT_MAX ? model->hyper.context : CONTEXT_MAX;
    struct station_setup setup = {0};
    if (options->context > 0 && options->context < model->hyper.context)
        context = options->context;
    uint32_t sessions = options->sessions > 0 ? options->sessions : SESSIONS;
    struct exec_options shard = exec_options_whole(model, context * sessions);
    shard.sessions_max = sessions;
    setup.positions_max = context;
    shard.rows_max = ROWS;
    shard.threads = options->threads;
    shard.weights = options->weights;
    shard.card = options->card;
    if (!read_place(&setup, &shard, &place, options, model, err))
        return false;
    setup.self = self_of(model, &shard, options->roots);
    const struct outpost_facts facts = {.model = model,
                                        .root = setup.self.root,
                                        .begin = shard.layer_begin,
                                        .end = shard.layer_end,
                                        .context = context,
                                        .sessions = sessions};
    if (!exec_open(&setup.exec, model, &shard, err))
        return false;
    bool ok = run(&setup, options->agent, &facts, call, err);
    exec_close(setup.exec);
    return ok;
}

bool outpost_run(const struct outpost_options *options, FILE *out, FILE *notes, struct err *err)
{
    struct outpost_call call = {out, notes, false};
    struct model model;
    bool is_open = model_open(&model, options->model, err);
    bool ok = is_open && run_shard(options, &model, &call, err);
    if (is_open)
        model_close(&model);
    if (!call.has_run && options->agent != NULL)
        options->agent->close(options->agent->owner);
    return ok;
}

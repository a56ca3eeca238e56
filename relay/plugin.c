#include "relay/plugin.h"

#include <assert.h>
#include <stdlib.h>

#include "relay/drop.h"
#include "relay/list.h"
#include "relay/log.h"
#include "relay/metrics.h"
#include "relay/plugin_child.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/text.h"

/* TICK_MS: how often it is looked whose time is up. PAUSE_MS_*: before it is started again, twice
 * as long each time; the least again after it has run for WELL_MS. SILENT_TIMEOUTS: of timeout_ms
 * without an answer, while something is asked: it hangs. ERROR_LINE_MAX: of its stderr, in the
 * log. */
enum {
    TICK_MS = 50,
    PAUSE_MS_MIN = 100,
    PAUSE_MS_MAX = 30000,
    WELL_MS = 10000,
    SILENT_TIMEOUTS = 5,
    ERROR_LINE_MAX = 500,
    READ_BYTES = 65536,
};

struct question {
    struct list_node listed; /* in waiting or sent, oldest first */
    struct plugin_call call;
    struct text line;
    uint64_t asked_ms;
    bool is_sent;
};

/* One life of the process. It outlives the plugin's interest in it until its handles are closed. */
struct life {
    struct plugin *plugin; /* NULL: over */
    struct plugin_child child;
    uv_pipe_t input, output, error;
    uint32_t handles; /* not closed yet */
    struct text line, complaint;
    bool is_line_long;
};

struct plugin {
    uv_loop_t *loop;
    struct plugin_setup setup;
    struct life *life; /* NULL: it is to be started at start_ms */
    uint64_t began_ms, start_ms, pause_ms;
    uint64_t heard_ms; /* an answer came, or nothing was asked before */
    uv_timer_t tick;
    struct list waiting, sent;
    uint32_t waiting_count, sent_count;
    char buffer[READ_BYTES];
};

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* The reply may ask. */
static void settle(struct plugin *plugin, struct question *question, enum plugin_action action,
                   const struct err *why)
{
    if (question->is_sent) {
        list_remove(&plugin->sent, &question->listed);
        plugin->sent_count--;
    } else {
        list_remove(&plugin->waiting, &question->listed);
        plugin->waiting_count--;
    }
    const struct plugin_call call = question->call;
    text_clear(&question->line);
    free(question);
    call.reply(call.owner, action, why);
}

static void fail(struct plugin *plugin, struct question *question)
{
    struct err why;
    err_fill(&why, ERR_INTERNAL, "the policy of this relay does not answer; try again");
    metrics_add(METRIC_PLUGIN_FAILURES, 1);
    settle(plugin, question, plugin->setup.accepts_on_failure ? PLUGIN_ACCEPT : PLUGIN_REJECT,
           &why);
}

static void on_closed(uv_handle_t *handle)
{
    struct life *life = handle->data;
    if (--life->handles > 0)
        return;
    text_clear(&life->line);
    text_clear(&life->complaint);
    free(life);
}

/* What it was told and has not answered is told its successor, while there is time. */
static void end_life(struct plugin *plugin, const char *why)
{
    struct life *life = plugin->life;
    uint64_t now = now_ms();
    log_warning("plugin", "%s", why);
    if (now - plugin->began_ms >= WELL_MS)
        plugin->pause_ms = PAUSE_MS_MIN;
    plugin->start_ms = now + plugin->pause_ms;
    plugin->pause_ms *= 2;
    if (plugin->pause_ms > PAUSE_MS_MAX)
        plugin->pause_ms = PAUSE_MS_MAX;
    plugin->life = NULL;
    life->plugin = NULL;
    plugin_child_end(&life->child);
    uv_close((uv_handle_t *)&life->input, on_closed);
    uv_close((uv_handle_t *)&life->output, on_closed);
    uv_close((uv_handle_t *)&life->error, on_closed);

    struct list later = plugin->waiting;
    plugin->waiting = (struct list){0};
    for (struct question *question; (question = list_first(&plugin->sent)) != NULL;) {
        list_remove(&plugin->sent, &question->listed);
        question->is_sent = false;
        list_append(&plugin->waiting, &question->listed, question);
    }
    plugin->waiting_count += plugin->sent_count;
    plugin->sent_count = 0;
    for (struct question *question; (question = list_first(&later)) != NULL;) {
        list_remove(&later, &question->listed);
        list_append(&plugin->waiting, &question->listed, question);
    }
}

static void send_waiting(struct plugin *plugin);

static void take_answer(struct plugin *plugin, struct span line)
{
    struct arena arena = {0};
    struct plugin_answer answer;
    struct err err;
    bool is_good = plugin_answer_read(&answer, &arena, line, &err);
    arena_clear(&arena);
    if (!is_good) {
        log_warning("plugin", "no answer: %s", err.text);
        return;
    }
    /* The same event may come from several people at once. Mostly it is the first. */
    struct question *question = list_first(&plugin->sent);
    while (question != NULL && memcmp(&question->call.event->id, &answer.id, sizeof answer.id) != 0)
        question = list_next(&question->listed);
    plugin->heard_ms = now_ms();
    if (question != NULL) /* else its time was up */
        settle(plugin, question, answer.action, &answer.why);
}

/* Calls take for each line; one that is too long is passed over. */
static void on_bytes(struct life *life, struct text *line, struct span bytes, size_t line_max,
                     void (*take)(struct plugin *plugin, struct span line))
{
    while (bytes.len > 0 && life->plugin != NULL) {
        const char *end = memchr(bytes.at, '\n', bytes.len);
        size_t len = end != NULL ? (size_t)(end - bytes.at) : bytes.len;
        if (line->len <= line_max)
            text_add(line, (struct span){bytes.at, len});
        if (end == NULL)
            return;
        if (line->len > line_max)
            log_warning("plugin", "a line of more than %zu bytes", line_max);
        else if (line->len > 0)
            take(life->plugin, text_span(line));
        line->len = 0;
        bytes = (struct span){end + 1, bytes.len - len - 1};
    }
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct life *life = handle->data;
    (void)size;
    *buffer =
        life->plugin != NULL ? uv_buf_init(life->plugin->buffer, READ_BYTES) : uv_buf_init(NULL, 0);
}

static void on_output(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct life *life = stream->data;
    struct plugin *plugin = life->plugin;
    if (plugin == NULL || count == 0)
        return;
    if (count < 0) {
        end_life(plugin, "the plugin has ended");
        return;
    }
    on_bytes(life, &life->line, (struct span){buffer->base, (size_t)count}, PLUGIN_LINE_BYTES_MAX,
             take_answer);
    if (life->plugin != NULL)
        send_waiting(plugin);
}

/* Foreign words, made fit for a line of the log. */
static void take_complaint(struct plugin *plugin, struct span line)
{
    char text[ERROR_LINE_MAX + 1];
    size_t len = line.len < ERROR_LINE_MAX ? line.len : ERROR_LINE_MAX;
    (void)plugin;
    for (size_t i = 0; i < len; i++)
        text[i] = (char)((unsigned char)line.at[i] < ' ' ? ' ' : line.at[i]);
    text[len] = '\0';
    log_info("plugin", "%s", text);
}

static void on_error(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct life *life = stream->data;
    if (count < 0)
        uv_read_stop(stream);
    else if (life->plugin != NULL)
        on_bytes(life, &life->complaint, (struct span){buffer->base, (size_t)count}, ERROR_LINE_MAX,
                 take_complaint);
}

static void take_end(struct life *life, uv_pipe_t *pipe, int *end)
{
    uv_pipe_init(life->plugin->loop, pipe, 0);
    pipe->data = life;
    if (uv_pipe_open(pipe, *end) != 0)
        abort(); /* a pipe of ours */
    *end = -1;
    life->handles++;
}

static void start(struct plugin *plugin)
{
    struct drop drop;
    struct err err;
    struct life *life = calloc(1, sizeof *life);
    if (life == NULL)
        abort();
    plugin->began_ms = plugin->heard_ms = now_ms();
    if (!drop_find(&drop, plugin->setup.user, &err) ||
        !plugin_child_start(&life->child, plugin->setup.command, &drop, &err)) {
        log_error("plugin", "%s", err.text);
        plugin->start_ms = plugin->began_ms + PAUSE_MS_MAX;
        free(life);
        return;
    }
    life->plugin = plugin;
    take_end(life, &life->input, &life->child.input);
    take_end(life, &life->output, &life->child.output);
    take_end(life, &life->error, &life->child.error);
    plugin->life = life;
    metrics_add(METRIC_PLUGIN_STARTS, 1);
    uv_read_start((uv_stream_t *)&life->output, on_alloc, on_output);
    uv_read_start((uv_stream_t *)&life->error, on_alloc, on_error);
    send_waiting(plugin);
}

struct write {
    uv_write_t request;
    struct text bytes;
};

/* A failure shows as the end of its output, too. */
static void on_written(uv_write_t *request, int status)
{
    struct write *write = request->data;
    (void)status;
    text_clear(&write->bytes);
    free(write);
}

/* All lines that may go now, in one write. */
static void send_waiting(struct plugin *plugin)
{
    struct question *question;
    struct write *write = NULL;
    if (plugin->sent_count == 0)
        plugin->heard_ms = now_ms();
    while (plugin->life != NULL && plugin->sent_count < PLUGIN_SENT_MAX &&
           (question = list_first(&plugin->waiting)) != NULL) {
        list_remove(&plugin->waiting, &question->listed);
        list_append(&plugin->sent, &question->listed, question);
        plugin->waiting_count--;
        plugin->sent_count++;
        question->is_sent = true;
        if (write == NULL && (write = calloc(1, sizeof *write)) == NULL)
            abort();
        text_add(&write->bytes, text_span(&question->line));
    }
    if (write == NULL)
        return;
    uv_buf_t buffer = uv_buf_init(write->bytes.at, (unsigned)write->bytes.len);
    write->request.data = write;
    if (uv_write(&write->request, (uv_stream_t *)&plugin->life->input, &buffer, 1, on_written) != 0)
        on_written(&write->request, UV_EPIPE);
}

static void fail_late(struct plugin *plugin, struct list *list, uint64_t now)
{
    struct question *question;
    while ((question = list_first(list)) != NULL &&
           now - question->asked_ms >= (uint64_t)plugin->setup.timeout_ms)
        fail(plugin, question);
}

static void on_tick(uv_timer_t *tick)
{
    struct plugin *plugin = tick->data;
    uint64_t now = now_ms();
    uint64_t silent_ms_max = (uint64_t)plugin->setup.timeout_ms * SILENT_TIMEOUTS;
    bool hangs = plugin->life != NULL && now - plugin->heard_ms >= silent_ms_max &&
                 (plugin->sent_count > 0 || plugin->waiting_count > 0);
    fail_late(plugin, &plugin->sent, now);
    fail_late(plugin, &plugin->waiting, now);
    if (hangs && plugin->life != NULL)
        end_life(plugin, "the plugin is silent: killed");
    else if (plugin->life == NULL && now >= plugin->start_ms)
        start(plugin);
}

struct plugin *plugin_new(uv_loop_t *loop, const struct plugin_setup *setup)
{
    struct plugin *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL)
        abort();
    plugin->loop = loop;
    plugin->setup = *setup;
    plugin->pause_ms = PAUSE_MS_MIN;
    plugin->tick.data = plugin;
    uv_timer_init(loop, &plugin->tick);
    uv_timer_start(&plugin->tick, on_tick, 0, TICK_MS);
    return plugin;
}

static void on_tick_closed(uv_handle_t *tick)
{
    free(tick->data);
}

void plugin_free(struct plugin *plugin)
{
    assert(plugin->waiting_count == 0 && plugin->sent_count == 0);
    if (plugin->life != NULL)
        end_life(plugin, "the relay stops: so does the plugin");
    uv_close((uv_handle_t *)&plugin->tick, on_tick_closed);
}

/* Text that may be anything becomes a JSON string. */
static void write_line(struct text *out, const struct plugin_call *call)
{
    text_add(out, SPAN("{\"type\":\"new\",\"event\":"));
    event_write(out, call->event);
    text_addf(out, ",\"receivedAt\":%lld,\"sourceType\":\"%s\",\"sourceInfo\":",
              (long long)call->received_at, call->source_type);
    text_add_json(out, (struct span){call->source_info, strlen(call->source_info)});
    if (call->authed != NULL) {
        text_add(out, SPAN(",\"authed\":\""));
        text_add_hex(out, call->authed->at, sizeof call->authed->at);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("}\n"));
}

void plugin_ask(struct plugin *plugin, const struct plugin_call *call)
{
    struct question *question = calloc(1, sizeof *question);
    if (question == NULL)
        abort();
    question->call = *call;
    question->asked_ms = now_ms();
    list_append(&plugin->waiting, &question->listed, question);
    plugin->waiting_count++;
    if (plugin->waiting_count + plugin->sent_count > PLUGIN_WAITING_MAX) {
        fail(plugin, question);
        return;
    }
    write_line(&question->line, call);
    send_waiting(plugin);
}

/* shoal serve: a small relay over the store, until it is told to end. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "client/command_home.h"
#include "client/command_listen.h"
#include "client/person.h"
#include "client/serve.h"
#include "shared/err.h"
#include "shared/text.h"

#define LISTEN_PRESET "127.0.0.1:7447"

struct serving {
    uv_loop_t loop;
    uv_signal_t interrupted, terminated;
    struct serve *serve;
};

static void on_signal(uv_signal_t *handle, int number)
{
    struct serving *serving = handle->data;
    (void)number;
    uv_close((uv_handle_t *)&serving->interrupted, NULL);
    uv_close((uv_handle_t *)&serving->terminated, NULL);
    serve_free(serving->serve);
}

static void await(struct serving *serving, uv_signal_t *handle, int number)
{
    uv_signal_init(&serving->loop, handle);
    handle->data = serving;
    uv_signal_start(handle, on_signal, number);
}

static enum command_status run(struct serving *serving, const struct command_call *call,
                               const struct serve_setup *setup)
{
    struct text out = {0};
    struct err err;
    serving->serve = serve_new(setup, &err);
    if (serving->serve == NULL)
        return command_fail(call, &err);
    await(serving, &serving->interrupted, SIGINT);
    await(serving, &serving->terminated, SIGTERM);
    text_addf(&out, call->is_json ? "{\"url\":\"ws://%s:%u\"}\n" : "ws://%s:%u\n",
              setup->address != NULL ? setup->address : "0.0.0.0", serve_port(serving->serve));
    enum command_status status = command_print(call, &out);
    if (status != COMMAND_DONE)
        on_signal(&serving->terminated, SIGTERM);
    return status;
}

static bool read_people(struct bytes32 people[COMMAND_OPTIONS_MAX], struct serve_setup *setup,
                        const struct command_call *call, struct err *err)
{
    const char *word;
    size_t place = 0;
    setup->people = people;
    while ((word = command_next_value(call, "allow", &place)) != NULL)
        if (!person_parse(&people[setup->people_count++], command_span(word), err))
            return false;
    return true;
}

static enum command_status run_serve(struct command_call *call)
{
    const char *listen = command_value(call, "listen");
    struct serving serving;
    char address[COMMAND_ADDRESS_MAX], folder[STORE_PATH_MAX];
    struct bytes32 people[COMMAND_OPTIONS_MAX];
    enum command_status status;
    struct err err;
    struct serve_setup setup = {.loop = &serving.loop,
                                .url = command_value(call, "url"),
                                .is_read_only = command_value(call, "read-only") != NULL,
                                .now_ms = home_now};
    if (!command_read_listen(address, &setup.port, listen != NULL ? listen : LISTEN_PRESET))
        return command_misuse(call, "--listen: expected ADDRESS:PORT, got '%.80s'", listen);
    setup.address = strcmp(address, "0.0.0.0") != 0 ? address : NULL;
    if (!read_people(people, &setup, call, &err) ||
        !store_folder(folder, command_value(call, "home"), &err))
        return command_misuse(call, "%s", err.text);
    setup.folder = folder;
    setup.store = home_open(call, &status);
    if (setup.store == NULL)
        return status;
    (void)signal(SIGPIPE, SIG_IGN); /* a client that hangs up is no reason to die */
    uv_loop_init(&serving.loop);
    status = run(&serving, call, &setup);
    uv_run(&serving.loop, UV_RUN_DEFAULT);
    uv_loop_close(&serving.loop);
    store_close(setup.store);
    return status;
}

static const struct command_option options[] = {
    {"listen", "ADDRESS:PORT", "who reaches it reads all but what is sealed [127.0.0.1:7447]"},
    {"read-only", NULL, "take nothing from anybody"},
    {"allow", "WHO", "only this person, who proves it by his key; may be repeated"},
    {"url", "URL", "by which those who are allowed know it, where it is not its address"},
    HOME_OPTION,
    COMMAND_OPTION_JSON};

const struct command command_serve = {.name = "serve",
                                      .help = "be a small relay over your store, for another "
                                              "client nearby",
                                      .options = options,
                                      .option_count = ARRAY_LEN(options),
                                      .run = run_serve};

/* shoal remote: the relays that what you write goes to, and that you hear from. */
#include "client/command_home.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"
#include "shared/url.h"

static enum command_status run_add(struct command_call *call)
{
    enum command_status status;
    struct url parsed;
    struct err err;
    struct span url = command_span(call->words[0]);
    if (!url_parse(&parsed, url, &err))
        return command_misuse(call, "%s", err.text);
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    if (!store_begin(store, &err) || !store_add_relay(store, url, &err) ||
        !home_commit(store, call, &err))
        status = command_fail(call, &err);
    store_close(store);
    return status;
}

static enum command_status run_rm(struct command_call *call)
{
    enum command_status status;
    struct err err;
    bool was_there;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    bool ok = store_begin(store, &err) &&
              store_remove_relay(store, &was_there, command_span(call->words[0]), &err);
    if (ok && !was_there)
        ok = err_set(&err, ERR_INVALID, "%.90s is none of yours", call->words[0]);
    if (!ok || !home_commit(store, call, &err))
        status = command_fail(call, &err);
    store_close(store);
    return status;
}

static enum command_status run_list(struct command_call *call)
{
    enum command_status status;
    struct arena arena = {0};
    struct text out = {0};
    struct span *urls;
    struct err err;
    size_t count;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    if (!store_relays(store, &urls, &count, &arena, &err)) {
        status = command_fail(call, &err);
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        text_add(&out, call->is_json ? SPAN("{\"url\":") : SPAN(""));
        if (call->is_json)
            text_add_json(&out, urls[i]);
        else
            text_add(&out, urls[i]);
        text_add(&out, call->is_json ? SPAN("}\n") : SPAN("\n"));
    }
    if (status == COMMAND_DONE)
        status = command_print(call, &out);
    text_clear(&out);
    arena_clear(&arena);
    store_close(store);
    return status;
}

static const struct command_option options_change[] = {HOME_OPTION_DRY_RUN, HOME_OPTION};

const struct command command_remote_add = {.name = "remote add",
                                           .words = "RELAY",
                                           .help = "use a relay: new events go there",
                                           .words_min = 1,
                                           .words_max = 1,
                                           .options = options_change,
                                           .option_count = ARRAY_LEN(options_change),
                                           .run = run_add};

const struct command command_remote_rm = {.name = "remote rm",
                                          .words = "RELAY",
                                          .help =
                                              "use it no more; what is queued for it is dropped",
                                          .words_min = 1,
                                          .words_max = 1,
                                          .options = options_change,
                                          .option_count = ARRAY_LEN(options_change),
                                          .run = run_rm};

static const struct command_option options_list[] = {HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_remote_list = {.name = "remote list",
                                            .help = "the relays that you use",
                                            .options = options_list,
                                            .option_count = ARRAY_LEN(options_list),
                                            .run = run_list};

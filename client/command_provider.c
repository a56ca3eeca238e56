/* shoal provider: accounts with servers of models. */
#include <inttypes.h>
#include <stdio.h>

#include "client/command_home.h"
#include "client/command_wallet.h"
#include "client/holder.h"
#include "client/provider.h"
#include "client/secret.h"
#include "client/terminal.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/text.h"

/* ---- add ---- */

static bool read_limit(uint64_t *units, const struct command_call *call, const char *option,
                       struct err *err)
{
    const char *word = command_value(call, option);
    *units = RATION_NO_LIMIT;
    return word == NULL || number_hundredths(units, command_span(word)) ||
           err_set(err, ERR_INVALID, "--%s: expected credits, such as 12 or 0.05", option);
}

static bool read_models(struct provider *provider, struct arena *arena,
                        const struct command_call *call, struct err *err)
{
    const char *word;
    size_t place = 0;
    provider->models = arena_array(arena, struct provider_model, COMMAND_OPTIONS_MAX);
    while ((word = command_next_value(call, "model", &place)) != NULL)
        if (!provider_read_model(&provider->models[provider->model_count++], command_span(word),
                                 err))
            return false;
    return provider->model_count > 0 ||
           err_set(err, ERR_INVALID, "which models does it have? --model NAME=IN/OUT");
}

static bool read_provider(struct provider *provider, struct arena *arena,
                          const struct command_call *call, struct err *err)
{
    const char *kind = command_value(call, "kind");
    int64_t rate;
    *provider =
        (struct provider){.name = command_span(call->words[0]), .url = pocket_url(call->words[1])};
    if (kind != NULL && !idiom_named(&provider->idiom, command_span(kind)))
        return err_set(err, ERR_INVALID, "--kind: openai, anthropic or ollama");
    if (!command_read_number(call, "rate", 0, PROVIDER_RATE_MAX, &rate, err) ||
        !read_limit(&provider->ration.day, call, "max-day", err) ||
        !read_limit(&provider->ration.request, call, "max-request", err) ||
        !read_models(provider, arena, call, err))
        return false;
    provider->per_minute = (uint32_t)rate;
    return provider_check(provider, err);
}

/* Typed unseen, or of a file; never an argument, which others see. */
static bool read_key(struct provider *provider, struct arena *arena, const struct holder *holder,
                     const struct command_call *call, struct err *err)
{
    char *key =
        terminal_secret(command_value(call, "api-key-file"), "The provider's API key: ", err);
    if (key == NULL)
        return false;
    bool ok = provider_seal(&provider->sealed, arena, holder, command_span(key), err);
    secret_free(key);
    return ok;
}

static void report(struct text *out, const struct command_call *call, const char *would,
                   struct span name)
{
    bool is_trial = command_value(call, "dry-run") != NULL;
    if (call->is_json) {
        text_add(out, SPAN("{\"name\":"));
        text_add_json(out, name);
        text_add(out, is_trial ? SPAN(",\"dry_run\":true}\n") : SPAN("}\n"));
        return;
    }
    text_addf(out, "%s", is_trial ? would : "");
    text_add(out, name);
    text_add(out, SPAN("\n"));
}

static bool keep(struct store *store, struct provider *provider, struct arena *arena,
                 const struct command_call *call, struct err *err)
{
    if (command_value(call, "dry-run") != NULL)
        return true;
    if (command_value(call, "no-key") == NULL) {
        struct holder *holder = command_find_holder(call, err);
        bool ok = holder != NULL && read_key(provider, arena, holder, call, err);
        holder_free(holder);
        if (!ok)
            return false;
    }
    return provider_put(store, provider, err);
}

static enum command_status put(struct command_call *call, struct provider *provider,
                               struct arena *arena)
{
    enum command_status status;
    struct text out = {0};
    struct err err;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    if (keep(store, provider, arena, call, &err)) {
        report(&out, call, "would keep ", provider->name);
        status = command_print(call, &out);
    } else {
        status = command_fail(call, &err);
    }
    text_clear(&out);
    store_close(store);
    return status;
}

static enum command_status run_add(struct command_call *call)
{
    struct arena arena = {0};
    struct provider provider;
    struct err err;
    enum command_status status = read_provider(&provider, &arena, call, &err)
                                     ? put(call, &provider, &arena)
                                     : command_misuse(call, "%s", err.text);
    arena_clear(&arena);
    return status;
}

static void describe_add(struct text *out)
{
    text_add(out,
             SPAN("URL is of its API: https://api.openai.com/v1, https://api.anthropic.com/v1, "
                  "http://127.0.0.1:11434\nfor Ollama. Prices are what a million tokens in "
                  "and out cost, in credits: say what its money is worth\nto you; a model "
                  "without costs nothing. The API key is typed unseen, or of --api-key-file, "
                  "and is kept\nsealed for your own key. One of that name is replaced. A "
                  "proxy that runs learns of it when it\nbegins again.\n"));
}

static const struct command_option add_options[] = {
    {"kind", "KIND", "what it speaks: openai, anthropic or ollama [openai]"},
    {"model", "MODEL=IN/OUT", "what it has, and its price; may be repeated"},
    {"rate", "N", "requests a minute at most; 0: any number [0]"},
    {"max-day", "CREDITS", "what it may cost in a day"},
    {"max-request", "CREDITS", "what one answer may cost"},
    {"api-key-file", "FILE", "its API key is the first line; -: of standard input"},
    {"no-key", NULL, "it wants none"},
    HOME_OPTION_DRY_RUN,
    HOME_OPTION,
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_KEY,
    COMMAND_OPTION_PASSWORD};

const struct command command_provider_add = {
    .name = "provider add",
    .words = "NAME URL",
    .help = "let shoal proxy ask a server that you have an account with, too",
    .words_min = 2,
    .words_max = 2,
    .options = add_options,
    .option_count = ARRAY_LEN(add_options),
    .run = run_add,
    .more = describe_add};

/* ---- list ---- */

static void write_limit(struct text *out, const char *name, uint64_t units)
{
    if (units == RATION_NO_LIMIT)
        text_addf(out, ",\"%s\":null", name);
    else
        text_addf(out, ",\"%s\":%" PRIu64, name, units);
}

static void write_json(struct text *out, const struct provider *provider)
{
    text_add(out, SPAN("{\"name\":"));
    text_add_json(out, provider->name);
    text_addf(out, ",\"kind\":\"%s\",\"url\":", idiom_name(provider->idiom));
    text_add_json(out, provider->url);
    text_addf(out, ",\"key\":%s,\"rate\":%u", provider->sealed.len > 0 ? "true" : "false",
              provider->per_minute);
    write_limit(out, "max_day", provider->ration.day);
    write_limit(out, "max_request", provider->ration.request);
    text_add(out, SPAN(",\"models\":["));
    for (size_t i = 0; i < provider->model_count; i++) {
        text_add(out, i > 0 ? SPAN(",{\"model\":") : SPAN("{\"model\":"));
        text_add_json(out, provider->models[i].name);
        text_addf(out, ",\"in\":%" PRIu64 ",\"out\":%" PRIu64 "}", provider->models[i].price.in,
                  provider->models[i].price.out);
    }
    text_add(out, SPAN("]}\n"));
}

static void write_words(struct text *out, const struct provider *provider)
{
    text_addf(out, "%.*s: %s at %.*s%s\n", SPAN_ARG(provider->name), idiom_name(provider->idiom),
              SPAN_ARG(provider->url), provider->sealed.len > 0 ? ", with a key" : "");
    for (size_t i = 0; i < provider->model_count; i++) {
        text_addf(out, "    %.*s: ", SPAN_ARG(provider->models[i].name));
        pocket_write_amount(out, provider->models[i].price.in);
        text_add(out, SPAN(" in, "));
        pocket_write_amount(out, provider->models[i].price.out);
        text_add(out, SPAN(" out\n"));
    }
}

static bool look_list(struct store *store, struct text *out, const struct command_call *call,
                      struct err *err)
{
    struct arena arena = {0};
    struct provider *providers;
    size_t count;
    bool ok = provider_list(store, &providers, &count, &arena, err);
    for (size_t i = 0; ok && i < count; i++)
        (call->is_json ? write_json : write_words)(out, &providers[i]);
    arena_clear(&arena);
    return ok;
}

static enum command_status run_list(struct command_call *call)
{
    return home_look(call, look_list);
}

static const struct command_option look_options[] = {HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_provider_list = {
    .name = "provider list",
    .help = "the servers that shoal proxy asks, with their prices for a million tokens",
    .options = look_options,
    .option_count = ARRAY_LEN(look_options),
    .run = run_list};

/* ---- rm ---- */

/* Whether it was there; in a trial it stays. */
static bool take(struct store *store, bool *was_there, const struct command_call *call,
                 struct err *err)
{
    struct span name = command_span(call->words[0]);
    struct arena arena = {0};
    struct provider *providers;
    size_t count;
    if (command_value(call, "dry-run") == NULL)
        return provider_remove(store, was_there, name, err);
    bool ok = provider_list(store, &providers, &count, &arena, err);
    *was_there = false;
    for (size_t i = 0; ok && i < count; i++)
        *was_there = *was_there || span_eq(providers[i].name, name);
    arena_clear(&arena);
    return ok;
}

static enum command_status run_rm(struct command_call *call)
{
    enum command_status status;
    struct text out = {0};
    struct err err;
    bool was_there;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    if (!take(store, &was_there, call, &err)) {
        status = command_fail(call, &err);
    } else if (!was_there) {
        status = command_misuse(call, "no provider '%.40s'", call->words[0]);
    } else {
        report(&out, call, "would forget ", command_span(call->words[0]));
        status = command_print(call, &out);
    }
    text_clear(&out);
    store_close(store);
    return status;
}

static const struct command_option rm_options[] = {HOME_OPTION_DRY_RUN, HOME_OPTION,
                                                   COMMAND_OPTION_JSON};

const struct command command_provider_rm = {.name = "provider rm",
                                            .words = "NAME",
                                            .help = "ask it no more, and forget its API key",
                                            .words_min = 1,
                                            .words_max = 1,
                                            .options = rm_options,
                                            .option_count = ARRAY_LEN(rm_options),
                                            .run = run_rm};

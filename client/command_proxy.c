/* shoal proxy: an endpoint of OpenAI's API for the applications of this machine. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/apikey.h"
#include "client/command_infer.h"
#include "client/command_listen.h"
#include "client/command_survey.h"
#include "client/command_wallet.h"
#include "client/proxy.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/text.h"

#define LISTEN_PRESET "127.0.0.1:7448"

enum { REQUEST_PRESET = 100, DAY_PRESET = 1000, TOKENS_PRESET = 1024 }; /* units; tokens */

struct proxying {
    struct command_call *call;
    struct survey survey;
    struct pocket pocket;
    bool has_survey, has_pocket;
    struct apikey_list keys;
    struct proxy_limit limits[PROXY_LIMITS_MAX];
    struct proxy_setup setup;
    char address[COMMAND_ADDRESS_MAX];
    struct proxy *proxy;
    uv_signal_t interrupted, terminated;
    bool is_over;
};

/* ---- the end ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct proxying *proxying = handle->data;
    (void)number;
    if (proxying->is_over)
        return;
    proxying->is_over = true;
    uv_close((uv_handle_t *)&proxying->interrupted, NULL);
    uv_close((uv_handle_t *)&proxying->terminated, NULL);
}

static void await(struct proxying *proxying, uv_signal_t *handle, int number)
{
    uv_signal_init(&proxying->survey.net.loop, handle);
    handle->data = proxying;
    uv_signal_start(handle, on_signal, number);
}

/* ---- what is given ---- */

static bool read_amount(uint64_t *units, const struct command_call *call, const char *option,
                        uint64_t preset, struct err *err)
{
    const char *word = command_value(call, option);
    *units = preset;
    return word == NULL || number_hundredths(units, command_span(word)) ||
           err_set(err, ERR_INVALID, "--%s: expected credits, such as 12 or 0.05", option);
}

/* "MODEL=CREDITS" */
static bool read_limit(struct proxy_limit *limit, const char *word, struct err *err)
{
    const char *end = strrchr(word, '=');
    if (end == NULL || end == word || !number_hundredths(&limit->day, command_span(end + 1)))
        return err_set(err, ERR_INVALID, "--max-model: expected MODEL=CREDITS, got '%.40s'", word);
    limit->model = (struct span){word, (size_t)(end - word)};
    return true;
}

static bool read_budget(struct proxying *proxying, struct err *err)
{
    struct proxy_setup *setup = &proxying->setup;
    const char *word;
    size_t place = 0;
    int64_t tokens;
    if (!read_amount(&setup->ration.request, proxying->call, "max-request", REQUEST_PRESET, err) ||
        !read_amount(&setup->ration.day, proxying->call, "max-day", DAY_PRESET, err) ||
        !command_read_number(proxying->call, "max-tokens", TOKENS_PRESET, PLEA_TOKENS_MAX, &tokens,
                             err))
        return false;
    if (tokens == 0)
        return err_set(err, ERR_INVALID, "--max-tokens: 1 at least");
    setup->tokens_max = (uint32_t)tokens;
    setup->limits = proxying->limits;
    while ((word = command_next_value(proxying->call, "max-model", &place)) != NULL) {
        if (setup->limit_count == PROXY_LIMITS_MAX)
            return err_set(err, ERR_INVALID, "--max-model: over %d models", PROXY_LIMITS_MAX);
        if (!read_limit(&proxying->limits[setup->limit_count++], word, err))
            return false;
    }
    return true;
}

static bool is_near(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* Whoever reaches it spends: from elsewhere only with a key. */
static bool read_place(struct proxying *proxying, struct err *err)
{
    const char *listen = command_value(proxying->call, "listen");
    const char *file = command_value(proxying->call, "api-key-file");
    struct proxy_setup *setup = &proxying->setup;
    if (!command_read_listen(proxying->address, &setup->port,
                             listen != NULL ? listen : LISTEN_PRESET))
        return err_set(err, ERR_INVALID, "--listen: expected ADDRESS:PORT, got '%.60s'", listen);
    setup->host = proxying->address;
    if (file != NULL && !apikey_read(&proxying->keys, file, err))
        return false;
    setup->keys = &proxying->keys;
    return file != NULL || is_near(proxying->address) ||
           err_set(err, ERR_INVALID, "--listen: others reach %s, so --api-key-file is needed",
                   proxying->address);
}

/* ---- the beginning ---- */

static enum command_status serve(struct proxying *proxying)
{
    struct proxy_setup *setup = &proxying->setup;
    const char *socks = command_value(proxying->call, "proxy");
    struct text out = {0};
    struct err err;
    if (socks == NULL)
        socks = getenv("SHOAL_PROXY"); // NOLINT(concurrency-mt-unsafe): one thread so far
    setup->call = proxying->call;
    setup->loop = &proxying->survey.net.loop;
    setup->store = proxying->pocket.store;
    setup->holder = proxying->pocket.holder;
    setup->survey = command_value(proxying->call, "no-swarm") == NULL ? &proxying->survey : NULL;
    setup->socks = command_span(socks != NULL ? socks : "");
    setup->ca_file = command_value(proxying->call, "ca-file");
    setup->now_ms = home_now;
    proxying->proxy = proxy_new(setup, &err);
    if (proxying->proxy == NULL)
        return command_fail(proxying->call, &err);
    await(proxying, &proxying->interrupted, SIGINT);
    await(proxying, &proxying->terminated, SIGTERM);
    bool is_v6 = strchr(setup->host, ':') != NULL;
    text_addf(&out, "%shttp://%s%s%s:%u/v1%s\n", proxying->call->is_json ? "{\"url\":\"" : "",
              is_v6 ? "[" : "", setup->host, is_v6 ? "]" : "", proxy_port(proxying->proxy),
              proxying->call->is_json ? "\"}" : "");
    enum command_status status = command_print(proxying->call, &out);
    if (status != COMMAND_DONE)
        on_signal(&proxying->terminated, SIGTERM);
    text_clear(&out);
    while (!proxying->is_over)
        uv_run(setup->loop, UV_RUN_ONCE);
    proxy_free(proxying->proxy);
    return status;
}

/* How jobs went before, for the choice. */
static enum command_status recall(const struct proxying *proxying)
{
    struct infer *infer = calloc(1, sizeof *infer);
    struct err err;
    if (infer == NULL)
        abort();
    infer->call = proxying->call;
    infer->survey.market = proxying->survey.market;
    infer->pocket = proxying->pocket;
    infer->pocket.arena = (struct arena){0};
    bool ok = infer_recall(infer, &err);
    arena_clear(&infer->pocket.arena);
    arena_clear(&infer->arena);
    free(infer);
    return ok ? COMMAND_DONE : command_fail(proxying->call, &err);
}

static enum command_status open_all(struct proxying *proxying)
{
    bool is_alone = command_value(proxying->call, "no-swarm") != NULL;
    proxying->has_pocket = true;
    enum command_status status = pocket_open(&proxying->pocket, proxying->call);
    if (status != COMMAND_DONE)
        return status;
    net_close(&proxying->pocket.net); /* mints are asked elsewhere */
    proxying->pocket.has_net = false;
    proxying->has_survey = true;
    status = is_alone ? survey_alone(&proxying->survey, proxying->call)
                      : survey_begin(&proxying->survey, proxying->call);
    if (status != COMMAND_DONE || is_alone)
        return status;
    proxying->survey.wants_word = true;
    survey_stay(&proxying->survey);
    return recall(proxying);
}

static enum command_status run_proxy(struct command_call *call)
{
    struct proxying *proxying = calloc(1, sizeof *proxying);
    struct err err;
    if (proxying == NULL)
        abort();
    proxying->call = call;
    enum command_status status = COMMAND_DONE;
    if (!read_place(proxying, &err) || !read_budget(proxying, &err))
        status = command_misuse(call, "%s", err.text);
    if (status == COMMAND_DONE)
        status = open_all(proxying);
    if (status == COMMAND_DONE)
        status = serve(proxying);
    if (proxying->has_survey)
        survey_end(&proxying->survey);
    if (proxying->has_pocket)
        pocket_close(&proxying->pocket);
    free(proxying);
    return status;
}

static void describe(struct text *out)
{
    text_add(out, SPAN("Point any application that speaks with OpenAI's API at the address that is "
                       "printed. Each chat is\nanswered by whoever is cheapest of those who have "
                       "the model: nodes of the swarm, paid from your\nwallet, and the providers "
                       "of shoal provider add. Who fails is left alone for a while, and\n"
                       "the next is asked, as long as nothing was passed on. Whoever answers can "
                       "read the chat.\nA provider is reckoned with each byte of a prompt as a "
                       "token before it is asked. Days are those of\nUTC. The models: GET "
                       "/v1/models; \"NAME/MODEL\" is that provider's alone, \"shoal/MODEL\" the "
                       "swarm's.\n"));
}

static const struct command_option options[] = {
    {"listen", "ADDRESS:PORT", "who reaches it spends your credit [127.0.0.1:7448]"},
    {"api-key-file", "FILE",
     "only who has one of its keys, one a line; needed for other addresses"},
    {"max-request", "CREDITS", "what one answer may cost at most [1]"},
    {"max-day", "CREDITS", "what all of a day may [10]"},
    {"max-model", "MODEL=CREDITS", "what a model may in a day; may be repeated"},
    {"max-tokens", "N", "how long an answer may be that does not say [1024]"},
    {"no-swarm", NULL, "providers alone"},
    {"relay", "URL", "look for nodes there, not at yours; may be repeated"},
    HOME_OPTION,
    COMMAND_OPTION_JSON,
    NET_OPTIONS};

const struct command command_proxy = {
    .name = "proxy",
    .help = "be an endpoint of OpenAI's API that pays from your wallet, within a budget",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run_proxy,
    .more = describe};

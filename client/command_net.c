#include "client/command_net.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/holder.h"
#include "shared/arena.h"
#include "shared/err.h"

enum { TIMEOUT_S_MAX = 86400, WORDS_SHOWN = 200 };

static uint32_t any_number(void *owner)
{
    (void)owner;
    return randombytes_random();
}

enum command_status net_open(struct net *net, const struct command_call *call)
{
    enum command_status status = COMMAND_DONE;
    const char *proxy = command_value(call, "proxy");
    struct err err;
    *net = (struct net){.call = call};
    (void)signal(SIGPIPE, SIG_IGN); /* a relay that hangs up is no reason to die */
    uv_loop_init(&net->loop);
    if (!command_number(call, "timeout", NET_TIMEOUT_S, TIMEOUT_S_MAX, &net->timeout_s))
        return COMMAND_USAGE;
    if (proxy == NULL)
        proxy = getenv("SHOAL_PROXY"); // NOLINT(concurrency-mt-unsafe): one thread so far
    const struct link_host_setup setup = {
        .proxy = command_span(proxy != NULL ? proxy : ""),
        .ca_file = command_value(call, "ca-file"),
        .random = any_number,
    };
    if (command_value(call, "auth") != NULL)
        net->holder = command_holder(call, &status);
    if (status != COMMAND_DONE)
        return status;
    net->host = link_host_new(&net->loop, &setup, &err);
    return net->host != NULL ? COMMAND_DONE : command_fail(call, &err);
}

void net_close(struct net *net)
{
    if (net->host != NULL)
        link_host_free(net->host);
    holder_free(net->holder);
    uv_run(&net->loop, UV_RUN_DEFAULT); /* until the last handle has closed */
    uv_loop_close(&net->loop);
}

void net_answer(const struct net *net, struct link *link)
{
    struct arena arena = {0};
    struct event event;
    struct bytes32 aux;
    struct err err;
    if (net->holder == NULL) {
        link_decline(link, "auth-required: the relay wants to know who you are: --auth");
        return;
    }
    randombytes_buf(&aux, sizeof aux);
    link_auth_event(link, &event, &arena);
    if (holder_sign(net->holder, &event, &aux, &err))
        link_authenticate(link, &event);
    else
        link_decline(link, err.text);
    arena_clear(&arena);
}

void net_say(const struct net *net, const char *url, struct span words)
{
    fprintf(stderr, "shoal %s: %s: ", net->call->command->name, url);
    for (size_t i = 0; i < words.len && i < WORDS_SHOWN; i++)
        fputc(words.at[i] >= ' ' && words.at[i] <= '~' ? words.at[i] : '?', stderr);
    fputc('\n', stderr);
}

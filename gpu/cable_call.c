#include <stdio.h>
#include <stdlib.h>

#include "gpu/cable_parts.h"
#include "shared/err.h"

enum { WAIT_MS = 50, WAIT_MS_MAX = 3000 };

static void on_retry(uv_timer_t *timer)
{
    cable_call_start(timer->data);
}

void cable_call_again(struct cable_call *call, bool has_met)
{
    uint32_t shift = call->failures < 6 ? call->failures : 6;
    uint64_t wait_ms = (uint64_t)WAIT_MS << shift;
    if (call->cable->is_freed)
        return;
    call->failures = has_met ? 0 : call->failures + 1;
    uv_timer_start(&call->retry, on_retry, wait_ms < WAIT_MS_MAX ? wait_ms : WAIT_MS_MAX, 0);
}

static void reach(struct cable_call *call)
{
    struct cable *cable = call->cable;
    struct cable_link *link = cable_link_new(cable, call);
    if (link == NULL) {
        cable_call_again(call, false);
        return;
    }
    struct lws_client_connect_info info = {
        .context = cable->context,
        .vhost = cable->vhost,
        .address = call->numeric,
        .port = call->url.port,
        .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .path = call->path,
        .host = call->host_header,
        .protocol = cable->protocols[0].name,
        .local_protocol_name = cable->protocols[0].name,
        .retry_and_idle_policy = &cable->liveliness,
        .opaque_user_data = link,
    };
    call->link = link;
    struct lws *wsi = lws_client_connect_via_info(&info);
    if (wsi == NULL && call->link == link) /* else it has been told already */
        cable_link_end(link, "it cannot be reached");
    else if (call->link == link)
        link->wsi = wsi;
}

static void on_found(uv_getaddrinfo_t *find, int status, struct addrinfo *found)
{
    struct cable_call *call = find->data;
    call->is_finding = false;
    bool ok = status == 0 && uv_ip_name(found->ai_addr, call->numeric, sizeof call->numeric) == 0;
    uv_freeaddrinfo(found);
    if (call->cable->is_freed || call->is_over)
        cable_call_free(call);
    else if (ok)
        reach(call);
    else
        cable_call_again(call, false);
}

void cable_call_start(struct cable_call *call)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    call->find.data = call;
    call->is_finding = uv_getaddrinfo(call->cable->setup.loop, &call->find, on_found,
                                      call->url.host, NULL, &hints) == 0;
    if (!call->is_finding)
        cable_call_again(call, false);
}

static void on_closed(uv_handle_t *handle)
{
    struct cable_call *call = handle->data;
    call->cable->handles--;
    free(call);
}

void cable_call_free(struct cable_call *call)
{
    if (call->link != NULL) /* which may end later than the call */
        call->link->call = NULL;
    if (call->is_finding) { /* on_found comes here again */
        uv_cancel((uv_req_t *)&call->find);
        return;
    }
    uv_close((uv_handle_t *)&call->retry, on_closed);
}

static bool check(struct url *url, const struct cable *cable, const char *address, struct err *err)
{
    size_t len = strlen(address);
    if (len > WIRE_TEXT_BYTES_MAX || cable->call_count == CABLE_CALLS_MAX)
        return err_set(err, ERR_INVALID, "an address that is too long, or one of too many");
    if (!url_parse(url, (struct span){address, len}, err))
        return false;
    return !url->is_tls || err_set(err, ERR_UNSUPPORTED, "stages are called by ws://, not wss://");
}

bool cable_call_stranger(struct cable *cable, const struct cable_stranger *stranger,
                         struct err *err)
{
    struct url url;
    if (!check(&url, cable, stranger->address, err))
        return false;
    struct cable_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        abort();
    call->cable = cable;
    call->url = url;
    call->purpose = stranger->purpose;
    call->number = stranger->number;
    if (stranger->pass != NULL)
        call->pass = *stranger->pass;
    snprintf(call->address, sizeof call->address, "%s", stranger->address);
    snprintf(call->path, sizeof call->path, "/%.*s", SPAN_ARG(url.path));
    snprintf(call->host_header, sizeof call->host_header, "%s:%d", url.host, (int)url.port);
    uv_timer_init(cable->setup.loop, &call->retry);
    call->retry.data = call;
    cable->handles++;
    cable->calls[cable->call_count++] = call;
    cable_call_start(call);
    return true;
}

bool cable_call(struct cable *cable, const char *address, enum hail_purpose purpose,
                struct err *err)
{
    const struct cable_stranger stranger = {.address = address, .purpose = purpose};
    for (uint32_t i = 0; i < cable->call_count; i++)
        if (strcmp(cable->calls[i]->address, address) == 0 && cable->calls[i]->purpose == purpose &&
            cable->calls[i]->number == 0)
            return true;
    return cable_call_stranger(cable, &stranger, err);
}

void cable_hang_up(struct cable *cable, uint64_t number)
{
    for (uint32_t i = 0; i < cable->call_count;) {
        struct cable_call *call = cable->calls[i];
        if (call->number != number) {
            i++;
            continue;
        }
        cable->calls[i] = cable->calls[--cable->call_count];
        uv_timer_stop(&call->retry);
        if (call->link != NULL) {
            call->link->hail.letter = (struct span){0};
            cable_link_drop(call->link, "it is needed no more");
        }
        call->is_over = true;
        cable_call_free(call);
    }
}

uint64_t cable_number(const struct cable *cable, uint32_t link)
{
    for (const struct cable_link *at = cable->links; at != NULL; at = at->next)
        if (at->id == link)
            return at->call != NULL ? at->call->number : 0;
    return 0;
}

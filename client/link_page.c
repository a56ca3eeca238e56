#include "client/link_page.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/info.h"
#include "client/link_dial.h"
#include "client/link_host.h"
#include "client/link_tunnel.h"
#include "shared/text.h"
#include "shared/url.h"

enum { PIECE_BYTES = 4096, STATUS_OK = 200 };

struct page {
    struct link_peer peer;
    struct link_host *host;
    void (*got)(void *owner, struct span body);
    void *owner;
    struct dial *dial;
    struct tunnel *tunnel;
    struct lws *wsi;
    uv_timer_t timer; /* which the memory lasts as long as */
    bool is_over, is_freed;
    struct url url; /* but for its path */
    char host_header[URL_HOST_MAX + 16];
    char path[1024];
    struct text body;
};

static void end(struct page *page, bool is_whole)
{
    page->wsi = NULL;
    if (page->is_over || page->is_freed)
        return;
    page->is_over = true;
    page->got(page->owner, is_whole ? text_span(&page->body) : (struct span){0});
}

static int add_accept(struct lws *wsi, unsigned char **at, size_t room)
{
    static const unsigned char name[] = "Accept:", value[] = "application/nostr+json";
    return lws_add_http_header_by_name(wsi, name, value, sizeof value - 1, at, *at + room);
}

static int read_piece(struct lws *wsi)
{
    char room[LWS_PRE + PIECE_BYTES], *at = room + LWS_PRE;
    int len = PIECE_BYTES;
    return lws_http_client_read(wsi, &at, &len);
}

static int take_piece(struct page *page, struct span piece)
{
    if (piece.len > INFO_BYTES_MAX - page->body.len)
        return -1;
    text_add(&page->body, piece);
    return 0;
}

static void on_distrust(struct link_peer *peer, const char *why)
{
    (void)peer; /* the channel says so too */
    (void)why;
}

static int on_lws(struct link_peer *peer, struct lws *wsi, enum lws_callback_reasons reason,
                  void *in, size_t len)
{
    struct page *page = (struct page *)peer;
    if (page->is_freed)
        return 0;
    switch ((int)reason) { /* of the hundred there are */
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_accept(wsi, in, len);
    case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
        return lws_http_client_http_response(wsi) == STATUS_OK ? 0 : -1;
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
        return read_piece(wsi);
    case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
        return take_piece(page, (struct span){in, len});
    case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
        lws_set_opaque_user_data(wsi, NULL);
        end(page, true);
        return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        end(page, false);
        return 0;
    default:
        return 0;
    }
}

static void on_found(void *owner, const struct dial_way *way)
{
    struct page *page = owner;
    page->dial = NULL;
    page->tunnel = way->tunnel;
    if (way->count == 0) {
        end(page, false);
        return;
    }
    struct lws_client_connect_info info = {
        .context = page->host->context,
        .vhost = page->host->vhost,
        .address = way->addresses[0].at,
        .port = page->url.port,
        .ssl_connection = (page->url.is_tls ? LCCSCF_USE_SSL : 0) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .path = page->path,
        .host = page->host_header,
        .method = "GET",
        .local_protocol_name = page->host->protocols[0].name,
        .opaque_user_data = page,
    };
    struct lws *wsi = lws_client_connect_via_info(&info);
    if (wsi == NULL)
        end(page, false);
    else if (!page->is_over)
        page->wsi = wsi;
}

struct page *page_new(struct link_host *host, const struct url *url,
                      void (*got)(void *owner, struct span body), void *owner)
{
    struct page *page = calloc(1, sizeof *page);
    bool is_ip6 = strchr(url->host, ':') != NULL;
    if (page == NULL)
        abort();
    page->peer = (struct link_peer){.on_lws = on_lws, .distrusts = on_distrust};
    page->host = host;
    page->got = got;
    page->owner = owner;
    page->url = *url;
    snprintf(page->host_header, sizeof page->host_header, is_ip6 ? "[%s]:%u" : "%s:%u", url->host,
             url->port);
    snprintf(page->path, sizeof page->path, "%s%.*s",
             url->path.len > 0 && url->path.at[0] == '/' ? "" : "/", SPAN_ARG(url->path));
    page->url.path = (struct span){0};
    uv_timer_init(host->loop, &page->timer);
    page->timer.data = page;
    page->dial = dial_new(host, url, on_found, page);
    return page;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct page *page = handle->data;
    text_clear(&page->body);
    free(page);
}

void page_free(struct page *page)
{
    page->is_freed = true;
    if (page->wsi != NULL) {
        lws_set_opaque_user_data(page->wsi, NULL);
        lws_set_timeout(page->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        lws_cancel_service(page->host->context);
    }
    if (page->dial != NULL)
        dial_cancel(page->dial);
    if (page->tunnel != NULL)
        tunnel_free(page->tunnel);
    uv_close((uv_handle_t *)&page->timer, on_timer_closed);
}

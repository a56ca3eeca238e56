/* A connection that speaks another protocol from now on. */
#include <stdlib.h>

#include "client/httpd_parts.h"

struct httpd_upgrade {
    struct httpd *httpd;
    struct MHD_UpgradeResponseHandle *handle;
};

// NOLINTNEXTLINE(readability-function-size): the library's parameters
static void on_upgraded(void *owner, struct MHD_Connection *connection, void *exchange_at,
                        const char *early, size_t early_len, MHD_socket fd,
                        struct MHD_UpgradeResponseHandle *handle)
{
    struct httpd_exchange *exchange = owner;
    struct httpd_upgrade *upgrade = calloc(1, sizeof *upgrade);
    (void)connection;
    (void)exchange_at;
    if (upgrade == NULL)
        abort();
    *upgrade = (struct httpd_upgrade){exchange->httpd, handle};
    exchange->upgraded(exchange->upgraded_owner, upgrade, fd, (struct span){early, early_len});
}

void httpd_upgrade(struct httpd *httpd, uint64_t number, const char *accept,
                   httpd_upgraded_fn *upgraded, void *owner)
{
    struct httpd_exchange *exchange = httpd_find(httpd, number);
    if (exchange == NULL || exchange->state != HTTPD_ASKED)
        return;
    exchange->upgraded = upgraded;
    exchange->upgraded_owner = owner;
    exchange->status = MHD_HTTP_SWITCHING_PROTOCOLS;
    exchange->response = MHD_create_response_for_upgrade(on_upgraded, exchange);
    if (exchange->response == NULL ||
        MHD_add_response_header(exchange->response, MHD_HTTP_HEADER_UPGRADE, "websocket") !=
            MHD_YES ||
        MHD_add_response_header(exchange->response, "Sec-WebSocket-Accept", accept) != MHD_YES)
        abort();
    exchange->state = HTTPD_ENDED;
    httpd_resume(exchange);
}

void httpd_hang_up(struct httpd_upgrade *upgrade)
{
    struct httpd *httpd = upgrade->httpd;
    (void)MHD_upgrade_action(upgrade->handle, MHD_UPGRADE_ACTION_CLOSE);
    free(upgrade);
    httpd_wake(httpd);
}

#include "relay/guest.h"

#include <libwebsockets.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "relay/address.h"

struct guest *guest_of(struct lws *wsi)
{
    struct guest *guest = lws_get_opaque_user_data(wsi);
    if (guest != NULL)
        return guest;
    guest = calloc(1, sizeof *guest);
    if (guest == NULL)
        abort();
    lws_set_opaque_user_data(wsi, guest);
    return guest;
}

void guest_free(struct lws *wsi, struct health *health, int64_t now_ms)
{
    struct guest *guest = lws_get_opaque_user_data(wsi);
    if (guest == NULL)
        return;
    lws_set_opaque_user_data(wsi, NULL);
    peer_close(&guest->peer);
    if (health != NULL)
        health_forget(health, &guest->wait);
    if (guest->address != NULL)
        address_close(guest->address, now_ms);
    free(guest);
}

/* An IPv4 address in an IPv6 one is the IPv4 address. */
static size_t ip_of(uint8_t ip[16], const struct sockaddr_storage *name)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (name->ss_family == AF_INET) {
        memcpy(ip, &((const struct sockaddr_in *)name)->sin_addr, 4);
        return 4;
    }
    if (name->ss_family != AF_INET6)
        return 0;
    const uint8_t *at = ((const struct sockaddr_in6 *)name)->sin6_addr.s6_addr;
    size_t len = memcmp(at, mapped, sizeof mapped) == 0 ? 4 : 16;
    memcpy(ip, at + 16 - len, len);
    return len;
}

bool guest_take_address(struct guest *guest, struct lws *wsi, struct address_table *addresses,
                        const struct address_networks *proxies, int64_t now_ms)
{
    char forwarded[1024];
    uint8_t ip[16], peer[16];
    size_t ip_len = 0;
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&name, &size);
    size_t peer_len = ip_of(peer, &name);
    if (guest->address != NULL || peer_len == 0) /* the latter: it is gone already */
        return guest->address != NULL;
    int len = lws_hdr_copy(wsi, forwarded, sizeof forwarded, WSI_TOKEN_X_FORWARDED_FOR);
    address_behind(ip, &ip_len, proxies, (struct span){(const char *)peer, peer_len},
                   (struct span){forwarded, len > 0 ? (size_t)len : 0});
    struct span found = {(const char *)ip, ip_len};
    guest->address = address_open(addresses, found, now_ms, NULL);
    return guest->address != NULL;
}

size_t guest_local_ip(uint8_t ip[16], struct lws *wsi)
{
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    getsockname(lws_get_socket_fd(wsi), (struct sockaddr *)&name, &size);
    return ip_of(ip, &name);
}

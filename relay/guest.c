#include "relay/guest.h"

#include <libwebsockets.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "relay/address.h"
#include "relay/control.h"
#include "relay/head.h"
#include "relay/metrics.h"
#include "relay/squeeze.h"
#include "shared/arena.h"

enum {
    REQUEST_S_MAX = 10,   /* from its first byte to its last */
    KEEPALIVE_S_MAX = 15, /* from an answer to the next request */
    LEAVE_S_MAX = 3,      /* to go, after the last answer */
};

static int64_t now_ms(const struct guest *guest)
{
    return (int64_t)uv_now(guest->host->loop);
}

static void allow(struct guest *guest, int seconds)
{
    lws_set_timeout(guest->wsi, PENDING_TIMEOUT_USER_REASON_BASE, seconds);
}

struct guest *guest_new(struct guest_host *host, struct lws *wsi)
{
    struct guest *guest = calloc(1, sizeof *guest);
    if (guest == NULL)
        abort();
    guest->host = host;
    guest->wsi = wsi;
    allow(guest, REQUEST_S_MAX);
    return guest;
}

void guest_ended(struct guest *guest)
{
    peer_close(&guest->peer);
    if (guest->is_waiting && guest->host->health != NULL)
        health_forget(guest->host->health, &guest->wait);
    guest->is_waiting = false;
    admin_forget(&guest->managed);
    if (guest->address != NULL)
        address_close(guest->address, now_ms(guest));
    guest->address = NULL;
}

void guest_free(struct guest *guest)
{
    guest_ended(guest);
    text_clear(&guest->request);
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
    bool is_mapped = memcmp(at, mapped, sizeof mapped) == 0;
    size_t len = is_mapped ? 4 : 16;
    memcpy(ip, at + (is_mapped ? sizeof mapped : 0), len);
    return len;
}

/* Counts the connection to its address: that of the socket or, behind a trusted proxy, the one in
 * the request. */
static enum answer_refusal take_address(struct guest *guest, const struct head *head)
{
    uint8_t peer[16];
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    getpeername(lws_get_socket_fd(guest->wsi), (struct sockaddr *)&name, &size);
    size_t peer_len = ip_of(peer, &name);
    if (peer_len == 0) /* it is gone already */
        return ANSWER_TOO_MANY;
    guest->ip_len = 0;
    address_behind(guest->ip, &guest->ip_len, guest->host->proxies,
                   (struct span){(const char *)peer, peer_len}, head->fields[HEAD_FORWARDED_FOR]);
    struct span found = {(const char *)guest->ip, guest->ip_len};
    const struct control *control = guest->host->answers.control;
    if (control != NULL && control_blocks_ip(control, found))
        return ANSWER_BLOCKED;
    guest->address = address_open(guest->host->addresses, found, now_ms(guest), NULL);
    return guest->address != NULL ? ANSWER_GRANTED : ANSWER_TOO_MANY;
}

static enum answer_refusal admit(struct guest *guest, const struct head *head)
{
    const struct guest_host *host = guest->host;
    enum answer_refusal refusal = answer_check_upgrade(&host->answers, head);
    if (refusal != ANSWER_GRANTED)
        return refusal;
    if (host->is_draining || peer_count(host->peers) >= host->connections_max)
        refusal = ANSWER_FULL;
    else
        refusal = take_address(guest, head);
    if (refusal != ANSWER_GRANTED)
        metrics_add(METRIC_CONNECTIONS_REFUSED, 1);
    return refusal;
}

/* Sends what out has after LWS_PRE bytes; lws keeps what the socket does not take at once. */
static bool send_text(struct guest *guest, const struct text *out)
{
    return lws_write(guest->wsi, (unsigned char *)out->at + LWS_PRE, out->len - LWS_PRE,
                     LWS_WRITE_RAW) >= 0;
}

static bool refuse(struct guest *guest, enum answer_refusal refusal)
{
    struct text out = {0};
    text_reserve(&out, LWS_PRE);
    out.len = LWS_PRE;
    answer_refuse(&out, refusal);
    bool is_sent = send_text(guest, &out);
    text_clear(&out);
    guest->is_leaving = true;
    lws_callback_on_writable(guest->wsi);
    return is_sent;
}

static bool send_accept(struct guest *guest, const struct head *head, bool squeezes)
{
    struct text out = {0};
    text_reserve(&out, LWS_PRE);
    out.len = LWS_PRE;
    answer_accept(&out, head, squeezes);
    bool is_sent = send_text(guest, &out);
    text_clear(&out);
    return is_sent;
}

/* Of our end of the connection. */
static struct span local_ip(uint8_t ip[16], const struct guest *guest)
{
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    getsockname(lws_get_socket_fd(guest->wsi), (struct sockaddr *)&name, &size);
    return (struct span){(const char *)ip, ip_of(ip, &name)};
}

/* What came after the head is the websocket's first. */
static void open_peer(struct guest *guest, size_t used, bool squeezes)
{
    uint8_t ip[16];
    struct peer_open open = {.wsi = guest->wsi,
                             .address = guest->address,
                             .peer_ip = {(const char *)guest->ip, guest->ip_len},
                             .local_ip = local_ip(ip, guest),
                             .may_squeeze = squeezes,
                             .now_ms = now_ms(guest)};
    struct text rest = guest->request;
    guest->request = (struct text){0};
    lws_set_timeout(guest->wsi, NO_PENDING_TIMEOUT, 0);
    peer_open(guest->host->peers, &guest->peer, &open);
    peer_receive(&guest->peer, rest.at + used, rest.len - used, now_ms(guest));
    text_clear(&rest);
}

static bool upgrade(struct guest *guest, const struct head *head, size_t used)
{
    bool squeezes = squeeze_accepts(head->fields[HEAD_WEBSOCKET_EXTENSIONS]);
    enum answer_refusal refusal = admit(guest, head);
    if (refusal != ANSWER_GRANTED)
        return refuse(guest, refusal);
    if (!send_accept(guest, head, squeezes))
        return false;
    open_peer(guest, used, squeezes);
    return true;
}

static void on_health(void *owner)
{
    struct guest *guest = owner;
    guest->is_waiting = false;
    lws_callback_on_writable(guest->wsi);
}

/* Answers one request; it stays in request while its answer has to wait. */
static bool answer(struct guest *guest, const struct head *head, size_t used)
{
    struct text out = {0};
    text_reserve(&out, LWS_PRE);
    out.len = LWS_PRE;
    if (!answer_request(&guest->host->answers, &out, head)) {
        text_clear(&out);
        guest->is_waiting = true;
        health_ask(guest->host->health, &guest->wait, on_health, guest);
        return true;
    }
    bool is_sent = send_text(guest, &out);
    text_clear(&out);
    guest->is_leaving = !answer_keeps_alive(head);
    guest->request.len -= used;
    if (guest->request.len == 0)
        text_clear(&guest->request);
    else
        memmove(guest->request.at, guest->request.at + used, guest->request.len);
    allow(guest, KEEPALIVE_S_MAX);
    if (guest->is_leaving || guest->request.len > 0) /* the next once this one is gone */
        lws_callback_on_writable(guest->wsi);
    return is_sent;
}

/* The answer to an operator, after which the connection ends. */
static bool send_managed(struct guest *guest)
{
    struct text out = {0};
    text_reserve(&out, LWS_PRE);
    out.len = LWS_PRE;
    answer_managed(&out, guest->managed.status, text_span(&guest->managed.body));
    bool is_sent = send_text(guest, &out);
    text_clear(&out);
    admin_forget(&guest->managed);
    guest->is_managed = guest->is_waiting = false;
    guest->is_leaving = true;
    lws_callback_on_writable(guest->wsi);
    return is_sent;
}

static void on_managed(void *owner)
{
    struct guest *guest = owner;
    guest->is_waiting = false;
    lws_callback_on_writable(guest->wsi);
}

/* Decimal digits; more than any body may have when there are too many of them. */
static bool parse_length(size_t *length, struct span digits)
{
    *length = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        if (*length <= ADMIN_BODY_BYTES_MAX)
            *length = *length * 10 + (size_t)(digits.at[i] - '0');
    }
    return digits.len > 0;
}

static bool manage(struct guest *guest, const struct head *head, size_t used)
{
    uint8_t ip[16];
    size_t length;
    struct span digits = head->fields[HEAD_CONTENT_LENGTH];
    if (digits.at == NULL || head->fields[HEAD_TRANSFER_ENCODING].at != NULL)
        return refuse(guest, ANSWER_NO_LENGTH);
    if (!parse_length(&length, digits))
        return refuse(guest, ANSWER_BAD_REQUEST);
    if (length > ADMIN_BODY_BYTES_MAX)
        return refuse(guest, ANSWER_TOO_LARGE);
    if (guest->request.len < used + length)
        return true; /* the rest is on its way */
    struct admin_request request = {.authorization = head->fields[HEAD_AUTHORIZATION],
                                    .body = {guest->request.at + used, length},
                                    .local_ip = local_ip(ip, guest)};
    guest->is_managed = guest->is_waiting = true;
    admin_ask(guest->host->admin, &request, &guest->managed, on_managed, guest);
    return guest->managed.job != NULL || send_managed(guest);
}

/* A request that is whole. */
static bool serve_whole(struct guest *guest, const struct head *head, size_t used)
{
    if (answer_is_upgrade(head))
        return upgrade(guest, head, used);
    if (answer_is_management(&guest->host->answers, head))
        return manage(guest, head, used);
    return answer(guest, head, used);
}

/* The first request that is there, if it is whole. */
static bool serve(struct guest *guest)
{
    struct arena arena = {0};
    struct head head;
    size_t used = 0;
    bool is_good = true;
    switch (head_parse(&head, &arena, text_span(&guest->request), &used)) {
    case HEAD_PARTIAL:
        break;
    case HEAD_TOO_LONG:
        is_good = refuse(guest, ANSWER_HEAD_TOO_LONG);
        break;
    case HEAD_WRONG:
        is_good = refuse(guest, ANSWER_BAD_REQUEST);
        break;
    case HEAD_DONE:
        is_good = serve_whole(guest, &head, used);
        break;
    }
    arena_clear(&arena);
    return is_good;
}

bool guest_receive(struct guest *guest, char *at, size_t len)
{
    if (guest->peer.table != NULL) {
        peer_receive(&guest->peer, at, len, now_ms(guest));
        return true;
    }
    if (guest->is_leaving) /* read and not heard: see guest_write */
        return true;
    if (guest->request.len == 0)
        allow(guest, REQUEST_S_MAX);
    text_add(&guest->request, (struct span){at, len});
    if (guest->request.len > (size_t)2 * HEAD_BYTES_MAX)
        return false; /* it does not wait for its answers */
    return guest->is_waiting || serve(guest);
}

bool guest_write(struct guest *guest)
{
    if (guest->peer.table != NULL)
        return peer_write(&guest->peer);
    if (guest->is_leaving) { /* a socket closed with bytes unread would take back the answer */
        shutdown(lws_get_socket_fd(guest->wsi), SHUT_WR);
        allow(guest, LEAVE_S_MAX);
        return true;
    }
    if (guest->is_managed && !guest->is_waiting)
        return send_managed(guest);
    return guest->is_waiting || serve(guest);
}

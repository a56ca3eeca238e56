/* serve_auth.c - who a guest is, where not everybody may come (NIP-42). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>

#include "client/serve_parts.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/sig.h"
#include "shared/url.h"

enum { AGE_S_MAX = 600 };

void serve_challenge(struct serve_guest *guest)
{
    uint8_t random[SERVE_CHALLENGE_CHARS / 2];
    struct text out = {0};
    if (guest->serve->setup.people_count == 0)
        return;
    randombytes_buf(random, sizeof random);
    hex_encode(guest->challenge, random, sizeof random);
    message_write_auth(&out, SPAN_OF(guest->challenge));
    serve_send(guest, text_span(&out));
    text_clear(&out);
}

/* The address at which he reached us: what he says of it could be said of somebody else's. */
static bool find_host(struct serve_guest *guest, char host[INET6_ADDRSTRLEN])
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof at;
    if (getsockname(lws_get_socket_fd(guest->wsi), (struct sockaddr *)&at, &len) != 0)
        return false;
    const void *from = at.ss_family == AF_INET6
                           ? (const void *)&((const struct sockaddr_in6 *)&at)->sin6_addr
                           : (const void *)&((const struct sockaddr_in *)&at)->sin_addr;
    return inet_ntop(at.ss_family, from, host, INET6_ADDRSTRLEN) != NULL;
}

/* Else a relay that he trusts for other things could say it for him. */
static bool is_us(struct serve_guest *guest, struct span said)
{
    const char *own = guest->serve->setup.url;
    char host[INET6_ADDRSTRLEN];
    struct url url, known;
    if (!url_parse(&url, said, NULL))
        return false;
    if (own != NULL && url_parse(&known, (struct span){own, strlen(own)}, NULL) &&
        url_equal(&url, &known))
        return true;
    if (url.is_tls || url.port != serve_port(guest->serve) || !find_host(guest, host))
        return false;
    const char *plain = strncmp(host, "::ffff:", 7) == 0 ? host + 7 : host;
    bool is_here = strcmp(plain, "::1") == 0 || strncmp(plain, "127.", 4) == 0;
    return strcmp(url.host, plain) == 0 || (is_here && strcmp(url.host, "localhost") == 0);
}

static bool check(struct serve_guest *guest, const struct event *event, struct err *err)
{
    const struct span *challenge = event_tag_value(event, SPAN("challenge"));
    const struct span *relay = event_tag_value(event, SPAN("relay"));
    int64_t now = (int64_t)(guest->serve->setup.now_ms() / 1000);
    if (event->kind != KIND_AUTH || event->created_at < now - AGE_S_MAX ||
        event->created_at > now + AGE_S_MAX)
        return err_set(err, ERR_INVALID, "no answer to who you are, or one of another time");
    if (challenge == NULL || !span_eq(*challenge, SPAN_OF(guest->challenge)))
        return err_set(err, ERR_INVALID, "an answer to another question");
    if (relay == NULL || !is_us(guest, *relay))
        return err_set(err, ERR_INVALID, "an answer to another relay");
    if (!event_check_id(event) || !sig_verify(&event->sig, &event->id, &event->pubkey))
        return err_set(err, ERR_INVALID, "the id or the signature is wrong");
    return true;
}

bool serve_introduce(struct serve_guest *guest, const struct event *event, struct err *err)
{
    const struct serve_setup *setup = &guest->serve->setup;
    if (setup->people_count == 0)
        return err_set(err, ERR_UNSUPPORTED, "nobody is asked here who he is");
    if (!check(guest, event, err))
        return false;
    guest->is_known = true;
    for (size_t i = 0; i < setup->people_count && !guest->is_let_in; i++)
        guest->is_let_in = memcmp(&setup->people[i], &event->pubkey, sizeof event->pubkey) == 0;
    return serve_admits(guest, err);
}

bool serve_admits(const struct serve_guest *guest, struct err *err)
{
    if (guest->serve->setup.people_count == 0 || guest->is_let_in)
        return true;
    return guest->is_known ? err_set(err, ERR_RESTRICTED, "you are not one of those who may")
                           : err_set(err, ERR_AUTH_REQUIRED, "say who you are");
}

#include "client/bunker.h"

#include <signal.h>
#include <sodium.h>
#include <stdlib.h>

#include "client/bunker_inside.h"
#include "client/holder.h"
#include "client/link.h"
#include "shared/hex.h"
#include "shared/utf8.h"

enum { KEY_CHARS = 64 };

static uint32_t any_number(void *owner)
{
    (void)owner;
    return randombytes_random();
}

static struct span hex_of(char out[KEY_CHARS], const struct bytes32 *key)
{
    hex_encode(out, key->at, sizeof key->at);
    return (struct span){out, KEY_CHARS};
}

struct bunker *bunker_new(const struct bunker_setup *setup, struct err *err)
{
    static const struct bytes32 nobody = {0};
    struct bunker *bunker = calloc(1, sizeof *bunker);
    if (bunker == NULL)
        abort();
    (void)signal(SIGPIPE, SIG_IGN); /* a relay that hangs up is no reason to die */
    uv_loop_init(&bunker->loop);
    uv_timer_init(&bunker->loop, &bunker->late);
    bunker->late.data = bunker;
    bunker->client = setup->client;
    bunker->place = *setup->place;
    bunker->place.secret = arena_copy(&bunker->arena, setup->place->secret);
    for (uint32_t i = 0; i < bunker->place.relay_count; i++)
        bunker->place.relays[i] = arena_copy(&bunker->arena, setup->place->relays[i]);
    bunker->has_signer = memcmp(&bunker->place.signer, &nobody, sizeof nobody) != 0;
    bunker->timeout_s = setup->timeout_s > 0 ? setup->timeout_s : BUNKER_TIMEOUT_S;
    bunker->told = setup->told;
    bunker->owner = setup->owner;
    const struct link_host_setup host = {
        .proxy = setup->proxy, .ca_file = setup->ca_file, .random = any_number};
    bunker->host = link_host_new(&bunker->loop, &host, err);
    if (bunker->host != NULL && bunker_open_roads(bunker, err))
        return bunker;
    bunker_free(bunker);
    return NULL;
}

void bunker_free(struct bunker *bunker)
{
    if (bunker == NULL)
        return;
    for (uint32_t i = 0; i < bunker->place.relay_count; i++)
        if (bunker->roads[i].link != NULL)
            link_free(bunker->roads[i].link);
    if (bunker->host != NULL)
        link_host_free(bunker->host);
    uv_close((uv_handle_t *)&bunker->late, NULL);
    uv_run(&bunker->loop, UV_RUN_DEFAULT); /* until the last handle has closed */
    uv_loop_close(&bunker->loop);
    holder_free(bunker->client);
    text_clear(&bunker->result);
    arena_clear(&bunker->asked);
    arena_clear(&bunker->arena);
    free(bunker);
}

bool bunker_connect(struct bunker *bunker, struct err *err)
{
    char signer[KEY_CHARS];
    const struct span params[] = {hex_of(signer, &bunker->place.signer), bunker->place.secret,
                                  SPAN(BUNKER_PERMISSIONS)};
    if (!bunker_ask(bunker, "connect", params, ARRAY_LEN(params), err))
        return false;
    struct span result = text_span(&bunker->result);
    return span_eq(result, SPAN("ack")) ||
           (result.len > 0 && span_eq(result, bunker->place.secret)) ||
           err_set(err, ERR_RESTRICTED, "the bunker does not say that we are connected");
}

bool bunker_listen(struct bunker *bunker, struct err *err)
{
    bunker->is_listening = true;
    bool ok = bunker_wait(bunker, bunker->timeout_s, err);
    bunker->is_listening = false;
    return ok;
}

bool bunker_await(struct bunker *bunker, struct err *err)
{
    return bunker_wait(bunker, BUNKER_PERSON_S, err);
}

bool bunker_user(struct bunker *bunker, struct bytes32 *user, struct err *err)
{
    if (!bunker_ask(bunker, "get_public_key", NULL, 0, err))
        return false;
    if (!hex_decode(user->at, sizeof user->at, text_span(&bunker->result)))
        return err_set(err, ERR_RESTRICTED, "the bunker does not say whose key it keeps");
    bunker->place.has_user = true;
    bunker->place.user = *user;
    return true;
}

bool bunker_ping(struct bunker *bunker, struct err *err)
{
    if (!bunker_ask(bunker, "ping", NULL, 0, err))
        return false;
    return span_eq(text_span(&bunker->result), SPAN("pong")) ||
           err_set(err, ERR_RESTRICTED, "the bunker answers something else");
}

const struct bunker_place *bunker_at(const struct bunker *bunker)
{
    return &bunker->place;
}

/* ---- as a holder ---- */

/* It may have signed something else: another time, other tags, or for another. */
static bool take_signed(struct event *event, struct span json, struct err *err)
{
    struct arena arena = {0};
    struct event read;
    bool ok = event_parse(&read, &arena, json, NULL);
    if (ok && (memcmp(&read.id, &event->id, sizeof read.id) != 0 ||
               memcmp(&read.pubkey, &event->pubkey, sizeof read.pubkey) != 0))
        ok = err_set(err, ERR_RESTRICTED, "the bunker signed something else");
    else if (!ok)
        err_fill(err, ERR_RESTRICTED, "what the bunker signed is no event");
    if (ok)
        event->sig = read.sig;
    arena_clear(&arena);
    return ok;
}

static bool sign_far(void *source, struct event *event, const struct bytes32 *aux, struct err *err)
{
    struct bunker *bunker = source;
    struct text json = {0};
    (void)aux;
    bunker_write_unsigned(&json, event);
    const struct span params[] = {text_span(&json)};
    bool ok = bunker_ask(bunker, "sign_event", params, 1, err) &&
              take_signed(event, text_span(&bunker->result), err);
    text_clear(&json);
    return ok;
}

static bool convert(struct bunker *bunker, struct text *out, const char *method,
                    const struct bytes32 *peer, struct span words, struct err *err)
{
    char hex[KEY_CHARS];
    const struct span params[] = {hex_of(hex, peer), words};
    if (!utf8_is(words))
        return err_set(err, ERR_INVALID, "a bunker takes UTF-8 only");
    if (!bunker_ask(bunker, method, params, ARRAY_LEN(params), err))
        return false;
    text_add(out, text_span(&bunker->result));
    return true;
}

static bool seal_far(void *source, struct text *out, const struct bytes32 *peer, struct span plain,
                     const struct bytes32 *nonce, struct err *err)
{
    (void)nonce;
    return convert(source, out, "nip44_encrypt", peer, plain, err);
}

static bool open_far(void *source, struct text *out, const struct bytes32 *peer,
                     struct span payload, struct err *err)
{
    return convert(source, out, "nip44_decrypt", peer, payload, err);
}

static void free_far(void *source)
{
    bunker_free(source);
}

struct holder *bunker_holder(struct bunker *bunker, const struct bytes32 *user)
{
    static const struct holder_ways ways = {
        .sign = sign_far, .seal = seal_far, .open = open_far, .free = free_far};
    return holder_new(&ways, bunker, user);
}

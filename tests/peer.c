#include "tests/peer.h"

#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "client/draft.h"
#include "client/holder.h"
#include "client/keys.h"
#include "client/link.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "tests/test.h"

enum { KIND_BUNKER = 24133 };

const struct bytes32 peer_secret = {.at[31] = 5}, peer_user_secret = {.at[31] = 6};
static const struct bytes32 stranger_secret = {.at[31] = 9};

struct peer {
    const struct peer_setup *setup;
    struct link *link;
    struct holder *self, *user, *stranger;
    int told; /* where whoever started it waits */
};

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static struct bytes32 random_bytes(void)
{
    struct bytes32 bytes;
    randombytes_buf(&bytes, sizeof bytes);
    return bytes;
}

/* ---- what it says ---- */

static void say(struct peer *peer, struct holder *from, const struct bytes32 *to, struct span plain,
                bool is_sealed)
{
    struct arena arena = {0};
    struct draft draft = {.kind = KIND_BUNKER, .created_at = (int64_t)time(NULL)};
    struct event event;
    const struct bytes32 nonce = random_bytes(), aux = random_bytes();
    if (!is_sealed)
        text_add(&draft.content, plain);
    else if (!holder_seal(from, &draft.content, to, plain, &nonce, NULL))
        abort();
    draft_tag_id(&draft, SPAN("p"), to, SPAN(""));
    draft_finish(&draft, &event, &arena);
    if (!holder_sign(from, &event, &aux, NULL))
        abort();
    link_publish(peer->link, &event);
    draft_clear(&draft);
    arena_clear(&arena);
}

static void reply(struct peer *peer, const struct bytes32 *to, const char *id, const char *result,
                  const char *error)
{
    json_t *json = json_pack("{s:s,s:s?,s:s?}", "id", id, "result", result, "error", error);
    char *text = json_dumps(json, JSON_COMPACT);
    say(peer, peer->self, to, span_of(text), true);
    free(text);
    json_decref(json);
}

/* Whatever comes before, or instead of, an answer. */
static void make_noise(struct peer *peer, const struct bytes32 *to, const char *id)
{
    struct text lie = {0};
    reply(peer, to, "another", "fish", NULL);
    reply(peer, to, id, "auth_url", "javascript:alert(1)");
    say(peer, peer->self, to, SPAN("not sealed at all"), false);
    say(peer, peer->self, to, SPAN("not JSON"), true);
    say(peer, peer->self, to, SPAN("{\"id\":7,\"result\":{\"a\":[1,2]},\"error\":[]}"), true);
    say(peer, peer->self, to, SPAN("[]"), true);
    text_addf(&lie, "{\"id\":\"%s\",\"result\":\"fish\"}", id);
    say(peer, peer->stranger, to, text_span(&lie), true);
    text_clear(&lie);
}

/* ---- what it does ---- */

/* The event that the text describes, signed. */
static char *sign(struct peer *peer, const char *unsigned_json)
{
    enum peer_manner manner = peer->setup->manner;
    struct arena arena = {0};
    struct draft draft = {0};
    struct event event;
    struct text out = {0};
    const struct bytes32 aux = random_bytes();
    json_t *json = json_loads(unsigned_json, 0, NULL);
    char *tags = json_dumps(json_object_get(json, "tags"), JSON_COMPACT);
    draft.kind = (uint16_t)json_integer_value(json_object_get(json, "kind"));
    draft.created_at = json_integer_value(json_object_get(json, "created_at"));
    text_add(&draft.content, span_of(json_string_value(json_object_get(json, "content"))));
    text_add(&draft.content, manner == PEER_ALTERS ? SPAN(" altered") : SPAN(""));
    text_add(&draft.tags, (struct span){tags + 1, strlen(tags) - 2});
    draft_finish(&draft, &event, &arena);
    if (!holder_sign(manner == PEER_FORGES ? peer->stranger : peer->user, &event, &aux, NULL))
        abort();
    if (manner == PEER_BREAKS)
        event.sig.at[40] ^= 1;
    event_write(&out, &event);
    text_add(&out, (struct span){"", 1});
    draft_clear(&draft);
    arena_clear(&arena);
    free(tags);
    json_decref(json);
    return out.at;
}

static char *copy(struct text *text)
{
    text_add(text, (struct span){"", 1});
    return text->at;
}

static char *convert(struct peer *peer, const char *method, const char *hex, const char *words)
{
    struct text out = {0};
    struct bytes32 other;
    const struct bytes32 nonce = random_bytes();
    bool ok = hex_decode(other.at, sizeof other.at, span_of(hex));
    if (strcmp(method, "nip44_encrypt") == 0)
        ok = ok && holder_seal(peer->user, &out, &other, span_of(words), &nonce, NULL);
    else
        ok = ok && holder_open(peer->user, &out, &other, span_of(words), NULL);
    if (!ok)
        text_clear(&out);
    return ok ? copy(&out) : NULL;
}

/* The result, to be freed; NULL: it refuses. */
static char *answer(struct peer *peer, const char *method, const json_t *params)
{
    const char *first = json_string_value(json_array_get(params, 0));
    const char *second = json_string_value(json_array_get(params, 1));
    const char *secret = peer->setup->secret;
    struct text out = {0};
    if (strcmp(method, "connect") == 0) {
        if (secret != NULL && (second == NULL || strcmp(second, secret) != 0))
            return NULL;
        return strdup(secret != NULL ? secret : "ack");
    }
    if (peer->setup->manner == PEER_MUMBLES)
        return strdup("mumble");
    if (strcmp(method, "get_public_key") == 0) {
        text_add_hex(&out, holder_pubkey(peer->user)->at, 32);
        return copy(&out);
    }
    if (peer->setup->manner == PEER_REFUSES)
        return NULL;
    if (strcmp(method, "ping") == 0)
        return strdup("pong");
    if (strcmp(method, "sign_event") == 0 && first != NULL)
        return sign(peer, first);
    if (first != NULL && second != NULL)
        return convert(peer, method, first, second);
    return NULL;
}

static void hear_request(struct peer *peer, const struct bytes32 *from, struct span plain)
{
    json_t *json = json_loadb(plain.at, plain.len, 0, NULL);
    const char *id = json_string_value(json_object_get(json, "id"));
    const char *method = json_string_value(json_object_get(json, "method"));
    enum peer_manner manner = peer->setup->manner;
    if (id != NULL && method != NULL) {
        if (manner == PEER_NOISY || manner == PEER_SILENT)
            make_noise(peer, from, id);
        if (manner == PEER_ASKS)
            reply(peer, from, id, "auth_url", "https://example.com/yes?\x1b");
        if (manner == PEER_ASKS)
            reply(peer, from, id, "auth_url", "https://example.com/yes");
        char *result = answer(peer, method, json_object_get(json, "params"));
        if (manner != PEER_SILENT)
            reply(peer, from, id, result, result == NULL ? "no\x1b[31m!" : NULL);
        free(result);
    }
    json_decref(json);
}

static void on_heard(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct peer *peer = owner;
    struct text plain = {0};
    (void)query;
    if (message->type == MESSAGE_EOSE) {
        if (peer->setup->client != NULL) {
            const char *secret = peer->setup->secret;
            reply(peer, peer->setup->client, "x", "wrong", NULL);
            reply(peer, peer->setup->client, "x", secret, NULL);
        }
        if (peer->told >= 0 && write(peer->told, "", 1) != 1)
            _exit(1);
        peer->told = -1;
        return;
    }
    if (message->type != MESSAGE_EVENT)
        return;
    const struct event *event = &message->event;
    struct span content = scan_decode(arena, (struct scan_string){event->content_json, true});
    if (holder_open(peer->self, &plain, &event->pubkey, content, NULL))
        hear_request(peer, &event->pubkey, text_span(&plain));
    text_clear(&plain);
}

static void on_settled(void *owner, struct link *link, const struct bytes32 *id,
                       enum link_fate fate, struct span why)
{
    (void)owner;
    (void)link;
    (void)id;
    (void)fate;
    (void)why;
}

static uint32_t any_number(void *owner)
{
    (void)owner;
    return randombytes_random();
}

/* Until it is killed. */
static void run(const struct peer_setup *setup, int told)
{
    struct peer peer = {.setup = setup,
                        .self = holder_of_keys(keys_new(&peer_secret)),
                        .user = holder_of_keys(keys_new(&peer_user_secret)),
                        .stranger = holder_of_keys(keys_new(&stranger_secret)),
                        .told = told};
    struct arena arena = {0};
    struct text json = {0};
    struct filter filter;
    uv_loop_t loop;
    text_addf(&json, "{\"kinds\":[%d],\"limit\":0,\"#p\":[\"", KIND_BUNKER);
    text_add_hex(&json, holder_pubkey(peer.self)->at, 32);
    text_add(&json, SPAN("\"]}"));
    uv_loop_init(&loop);
    const struct link_host_setup host_setup = {.random = any_number};
    struct link_host *host = link_host_new(&loop, &host_setup, NULL);
    if (host == NULL || !filter_parse(&filter, &arena, text_span(&json), NULL))
        abort();
    const struct link_setup link = {
        .url = span_of(setup->url), .settled = on_settled, .owner = &peer};
    peer.link = link_new(host, &link, NULL);
    const struct link_query_setup query = {
        .ask = LINK_REQ, .filters = &filter, .filter_count = 1, .heard = on_heard, .owner = &peer};
    if (peer.link == NULL || link_ask(peer.link, &query) == NULL)
        abort();
    uv_run(&loop, UV_RUN_DEFAULT);
}

pid_t peer_start(const struct peer_setup *setup)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when an assertion fails */
        close(ends[0]);
        run(setup, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return child;
}

void peer_stop(pid_t peer)
{
    int status;
    kill(peer, SIGKILL);
    assert_int_equal(waitpid(peer, &status, 0), peer);
}

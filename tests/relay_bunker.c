/* A key that a bunker keeps, asked for over a real relay: what an honest one does, and what all
 * others may try. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/bunker.h"
#include "client/draft.h"
#include "client/holder.h"
#include "client/keys.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/sig.h"
#include "shared/text.h"
#include "tests/folder.h"
#include "tests/peer.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/test.h"

enum { OUTPUT_MAX = 1 << 16 };

static struct relay relay;
static char url[64], told[128];
static struct bytes32 signer, user;

static int setup(void **state)
{
    (void)state;
    relay_start(&relay, &(struct relay_setup){0});
    snprintf(url, sizeof url, "ws://127.0.0.1:%u", relay.port);
    assert_true(sig_pubkey(&signer, &peer_secret) && sig_pubkey(&user, &peer_user_secret));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    relay_stop(&relay);
    scratch_clear();
    return 0;
}

static void on_told(const void *owner, const char *page)
{
    (void)owner;
    snprintf(told, sizeof told, "%s", page);
}

/* timeout_s: 0: the usual. */
static struct bunker *reach(const char *at, const char *secret, uint32_t timeout_s)
{
    const struct bytes32 client = {.at[31] = 77};
    struct bunker_place place = {.signer = signer, .relays = {{at, strlen(at)}}, .relay_count = 1};
    struct err err;
    told[0] = '\0';
    if (secret != NULL)
        place.secret = (struct span){secret, strlen(secret)};
    const struct bunker_setup bunker_setup = {.client = holder_of_keys(keys_new(&client)),
                                              .place = &place,
                                              .timeout_s = timeout_s,
                                              .told = on_told};
    struct bunker *bunker = bunker_new(&bunker_setup, &err);
    if (bunker == NULL)
        fail_msg("%s", err.text);
    return bunker;
}

/* Whether an event is signed, and why not. */
static bool signs(struct holder *holder, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    struct draft draft = {.kind = 1, .created_at = 1700000000};
    const struct bytes32 aux = {.at = {1}};
    text_add(&draft.content, SPAN("h\xc3\xa9llo \"bunker\"\n\\"));
    draft_tag_pair(&draft, SPAN("t"), SPAN("fi\tsh"));
    draft_finish(&draft, &event, &arena);
    draft_clear(&draft);
    bool ok = holder_sign(holder, &event, &aux, err);
    if (ok) {
        assert_memory_equal(&event.pubkey, &user, sizeof user);
        assert_true(event_check_id(&event) && sig_verify(&event.sig, &event.id, &event.pubkey));
    }
    arena_clear(&arena);
    return ok;
}

/* All that an honest one does. */
static void use(enum peer_manner manner)
{
    pid_t peer = peer_start(&(struct peer_setup){.url = url, .manner = manner, .secret = "s1"});
    struct bunker *bunker = reach(url, "s1", 0);
    const struct bytes32 other = {.at[31] = 8}, nonce = {.at = {1}};
    struct holder *bob = holder_of_keys(keys_new(&other));
    struct text sealed = {0}, plain = {0};
    struct bytes32 said;
    struct err err = {.text = ""};
    if (!bunker_connect(bunker, &err) || !bunker_user(bunker, &said, &err) ||
        !bunker_ping(bunker, &err))
        fail_msg("%s", err.text);
    assert_memory_equal(&said, &user, sizeof user);
    struct holder *holder = bunker_holder(bunker, &said);
    if (!signs(holder, &err))
        fail_msg("%s", err.text);
    assert_true(holder_seal(holder, &sealed, holder_pubkey(bob), SPAN("fi\"sh"), &nonce, NULL));
    assert_true(holder_open(bob, &plain, &user, text_span(&sealed), NULL));
    assert_true(holder_open(holder, &plain, holder_pubkey(bob), text_span(&sealed), NULL));
    assert_true(span_eq(text_span(&plain), SPAN("fi\"shfi\"sh")));
    assert_false(holder_open(holder, &plain, holder_pubkey(bob), SPAN("nothing"), &err));
    assert_int_equal(err.code, ERR_RESTRICTED);
    assert_false(holder_seal(holder, &sealed, holder_pubkey(bob), SPAN("\xff"), &nonce, &err));
    assert_string_equal(err.text, "a bunker takes UTF-8 only");
    char *most = scratch_repeat("x", 65535, "");
    assert_false(
        holder_seal(holder, &sealed, holder_pubkey(bob), (struct span){most, 65535}, &nonce, &err));
    assert_int_equal(err.code, ERR_INVALID);
    holder_free(holder);
    holder_free(bob);
    text_clear(&sealed);
    text_clear(&plain);
    peer_stop(peer);
}

static void test_honest(void **state)
{
    (void)state;
    use(PEER_HONEST);
    assert_string_equal(told, "");
}

static void test_noisy(void **state)
{
    (void)state;
    use(PEER_NOISY);
    assert_string_equal(told, "");
}

static void test_asks(void **state)
{
    (void)state;
    use(PEER_ASKS);
    assert_string_equal(told, "https://example.com/yes");
}

/* What it does with an event to be signed. */
static void expect(enum peer_manner manner, uint32_t timeout_s, const char *why)
{
    pid_t peer = peer_start(&(struct peer_setup){.url = url, .manner = manner});
    struct holder *holder = bunker_holder(reach(url, NULL, timeout_s), &user);
    struct err err;
    assert_false(signs(holder, &err));
    assert_string_equal(err.text, why);
    assert_int_equal(err.code, ERR_RESTRICTED);
    holder_free(holder);
    peer_stop(peer);
}

static void test_hostile(void **state)
{
    (void)state;
    expect(PEER_REFUSES, 0, "the bunker refuses: no?[31m!");
    expect(PEER_ALTERS, 0, "the bunker signed something else");
    expect(PEER_FORGES, 0, "the bunker signed something else");
    expect(PEER_BREAKS, 0, "what was to be signed came back with a wrong signature");
    expect(PEER_MUMBLES, 0, "what the bunker signed is no event");
    expect(PEER_SILENT, 2, "the bunker does not answer");
}

static void test_strange(void **state)
{
    pid_t peer =
        peer_start(&(struct peer_setup){.url = url, .manner = PEER_MUMBLES, .secret = "s"});
    struct bunker *bunker = reach(url, "other", 0);
    struct bytes32 said;
    struct err err;
    (void)state;
    assert_false(bunker_connect(bunker, &err));
    assert_string_equal(err.text, "the bunker refuses: no?[31m!");
    assert_false(bunker_user(bunker, &said, &err));
    assert_string_equal(err.text, "the bunker does not say whose key it keeps");
    assert_false(bunker_ping(bunker, &err));
    assert_string_equal(err.text, "the bunker answers something else");
    bunker_free(bunker);
    peer_stop(peer);
    bunker = reach("ws://127.0.0.1:1", NULL, 0);
    assert_false(bunker_connect(bunker, &err));
    assert_string_equal(err.text, "no relay of the bunker helps: it cannot be reached");
    bunker_free(bunker);
    bunker_free(NULL);
}

/* ---- shoal itself ---- */

static char home[64];
static const char *environment = "";

static FILE *start(const char *arguments)
{
    /* NOLINTNEXTLINE(cert-env33-c): nothing in it is foreign */
    FILE *pipe = popen(scratch_format("cd %s && %s HOME=%s XDG_RUNTIME_DIR=%s exec %s %s "
                                      "2>&1 </dev/null",
                                      home, environment, home, home, SHOAL_BINARY, arguments),
                       "re");
    assert_non_null(pipe);
    return pipe;
}

static void finish(FILE *pipe, int status, const char *arguments, const char *words)
{
    char *out = scratch_alloc(OUTPUT_MAX);
    size_t len = fread(out, 1, OUTPUT_MAX - 1, pipe);
    out[len] = '\0';
    int ended = pclose(pipe);
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != status || strstr(out, words) == NULL)
        fail_msg("shoal %s: status %d, expected %s: %s", arguments, ended, words, out);
}

/* Runs shoal, which ends with that status and says, among others, these words. */
static void shoal(int status, const char *arguments, const char *words)
{
    finish(start(arguments), status, arguments, words);
}

static void put(const char *name, const char *line)
{
    FILE *file = fopen(scratch_format("%s/%s", home, name), "we");
    assert_non_null(file);
    fprintf(file, "%s\n", line);
    assert_int_equal(fclose(file), 0);
}

static const char *hex_of(const struct bytes32 *key)
{
    char *out = scratch_alloc(65);
    hex_encode(out, key->at, sizeof key->at);
    return out;
}

static void begin(void)
{
    folder_make(home, sizeof home);
    assert_int_equal(chmod(home, 0700), 0);
    put("password", "fish");
}

/* Every command that signs, as with a key at hand. */
static void try_commands(void)
{
    const struct bech32 word = {.type = BECH32_NPUB, .key = user};
    struct text text = {0};
    assert_true(bech32_encode(&text, &word));
    const char *npub = scratch_format("\"npub\":\"%.*s\"", SPAN_ARG(text_span(&text)));
    text_clear(&text);
    shoal(0, "event --content hi --password-file password", hex_of(&user));
    shoal(0, "new note title=Fish --password-file password", "\"event\":");
    shoal(0, "identity show --password-file password", "\"bunker\":\"bunker://");
    shoal(5, "identity export", "the key is with a bunker");
    shoal(5, "identity export --nsec --password-file password", "the key is with a bunker");
    shoal(0, "agent start --password-file password", npub);
    shoal(0, "event --content hi", hex_of(&user));
    shoal(0, "agent stop", "");
}

static void test_import(void **state)
{
    (void)state;
    begin();
    const char *place = scratch_format("bunker://%s?relay=%s", hex_of(&signer), url);
    put("place", scratch_format("%s&secret=s%%31", place));
    pid_t peer = peer_start(&(struct peer_setup){.url = url, .secret = "s1"});
    const char *arguments =
        scratch_format("identity import '%s&secret=s1' --password-file password", place);
    shoal(2, arguments, "an address with a secret is no argument");
    arguments = scratch_format("identity import '%s' --password-file password", place);
    shoal(5, arguments, "the bunker refuses");
    shoal(2, "identity import nsec1xxx", "only the address of a bunker may be an argument");
    shoal(0, "identity import --from place --password-file password --cost 4", hex_of(&user));
    shoal(5, "identity import --from place --password-file password --cost 4", "is there already");
    try_commands();
    peer_stop(peer);
    peer = peer_start(&(struct peer_setup){.url = url, .manner = PEER_REFUSES});
    shoal(5, "event --password-file password", "the bunker refuses");
    peer_stop(peer);
    peer = peer_start(&(struct peer_setup){.url = url, .manner = PEER_ASKS});
    shoal(0, "event --password-file password", "wants you to open https://example.com/yes\n");
    peer_stop(peer);
    folder_remove(home);
}

/* A relay that wants to know who we are is told by the bunker, which is behind another. Of the two
 * loops that are alive then, libwebsockets 4.1 forgets to free the TLS settings of the first. */
static void test_auth(void **state)
{
    struct relay strict;
    (void)state;
    begin();
    environment = "ASAN_OPTIONS=detect_leaks=0";
    relay_start(&strict, &(struct relay_setup){.options = OPTIONS("auth_required=yes")});
    put("place", scratch_format("bunker://%s?relay=%s", hex_of(&signer), url));
    pid_t peer = peer_start(&(struct peer_setup){.url = url});
    shoal(0, "identity import --from place --password-file password --cost 4", hex_of(&user));
    shoal(0,
          scratch_format("event --content known --auth --to ws://127.0.0.1:%u --password-file "
                         "password",
                         strict.port),
          hex_of(&user));
    shoal(0,
          scratch_format("req ws://127.0.0.1:%u '{\"kinds\":[1]}' --auth --password-file password",
                         strict.port),
          "\"content\":\"known\"");
    peer_stop(peer);
    relay_stop(&strict);
    folder_remove(home);
    environment = "";
}

/* It comes to us, having scanned what we show. */
static void test_offer(void **state)
{
    char line[1024];
    struct bytes32 client;
    (void)state;
    begin();
    const char *arguments =
        scratch_format("identity connect --relay %s --password-file password --cost 4", url);
    FILE *pipe = start(arguments);
    assert_non_null(fgets(line, sizeof line, pipe));
    const char *key = strstr(line, "nostrconnect://"), *secret = strstr(line, "&secret=");
    assert_true(key != NULL && secret != NULL);
    assert_true(hex_decode(client.at, sizeof client.at, (struct span){key + 15, 64}));
    const struct peer_setup peer_setup = {
        .url = url, .secret = scratch_format("%.32s", secret + 8), .client = &client};
    pid_t peer = peer_start(&peer_setup);
    finish(pipe, 0, arguments, hex_of(&user));
    try_commands();
    peer_stop(peer);
    shoal(2, "identity connect --relay nowhere", "expected ws:// or wss://");
    shoal(2, "identity connect", "expected --relay URL");
    folder_remove(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest),  cmocka_unit_test(test_noisy),
        cmocka_unit_test(test_asks),    cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_strange), cmocka_unit_test(test_import),
        cmocka_unit_test(test_auth),    cmocka_unit_test(test_offer)};
    return cmocka_run_group_tests(tests, setup, teardown);
}

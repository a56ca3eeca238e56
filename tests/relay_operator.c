/* `shoal-relay admin`: what it asks, prints and refuses, with the real relay at the other end. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fetch.h"
#include "tests/program.h"
#include "tests/stage.h"

enum { OPERATOR = 520, STRANGER = 521 };

static char folder[] = "/tmp/shoal-operator-XXXXXX";

static const char *file(const char *name)
{
    return scratch_format("%s/%s", folder, name);
}

static void write_key(const char *name, const char *text, mode_t mode)
{
    FILE *out = fopen(file(name), "we");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(chmod(file(name), mode), 0);
}

/* The outcome of an admin command: what it prints on stdout, or on stderr when it fails. */
static const char *admin(int status, const char *in, const char *key, const char *const *words)
{
    struct program program;
    const char *arguments[12] = {"admin", "--config=/dev/null",
                                 scratch_format("--listen-port=%u", stage_relay.port)};
    size_t count = 3;
    if (key != NULL)
        arguments[count++] = scratch_format("--key-file=%s", file(key));
    while (*words != NULL)
        arguments[count++] = *words++;
    program_run(&program, (struct span){in, strlen(in)}, arguments);
    if (program.status != status)
        fail_msg("status %d: %s", program.status, program.err_text.at);
    const char *text =
        scratch_format("%s", status == 0 ? program.out_text.at : program.err_text.at);
    program_clear(&program);
    return text;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in: %s", part, text);
}

static void test_journey(void **state)
{
    (void)state;
    assert_string_equal(admin(0, "", "key", WORDS("listbannedpubkeys")), "none\n");
    assert_string_equal(
        admin(0, "", "key",
              WORDS("banpubkey", "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6",
                    "a\xc2\x9b"
                    "31m\nb \"c\" \xef\xbb\xbf")),
        "done\n");
    const char *table = admin(0, "", "key", WORDS("listbannedpubkeys"));
    has(table, "pubkey ");
    has(table, "\n3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d  ");
    has(table, "  a31m b \"c\"   20"); /* nothing that steers a terminal */
    const char *json = admin(0, "", "key", WORDS("--json", "listbannedpubkeys"));
    has(json, "[{\"pubkey\":\"3bf0c63f");
    assert_string_equal(admin(0, "", "key", WORDS("disallowkind", "7")), "done\n");
    assert_string_equal(admin(0, "", "key", WORDS("listdisallowedkinds")), "7\n");
    has(admin(0, "", "key", WORDS("supportedmethods")), "\nlistblockedips\n");
    has(admin(0, "", "key", WORDS("login")), "token    ");
}

static void test_keys(void **state)
{
    const char *secret = signer_secret(OPERATOR);
    (void)state;
    assert_string_equal(admin(0, secret, NULL, WORDS("listblockedips")), "none\n");
    assert_string_equal(
        admin(0, scratch_format("%s\r\nmore", secret), NULL, WORDS("listblockedips")), "none\n");
    has(admin(2, "", NULL, WORDS("listblockedips")), "stdin: expected a secret key");
    has(admin(2, "", "open", WORDS("listblockedips")), "others may read it");
    has(admin(2, "", "wrong", WORDS("listblockedips")), "expected a secret key, as nsec or hex");
    has(admin(2, "", "none", WORDS("listblockedips")), "No such file");
    has(admin(1, "", "stranger", WORDS("listblockedips")), "restricted: this key may not manage");
    has(admin(2, "", "key", WORDS("--url", "relay.example", "x")), "is no URL");
    has(admin(1, "", "key", WORDS("--url", "http://127.0.0.1:1", "x")), "cannot reach 127.0.0.1");
    has(admin(1, "", "key", WORDS("nothing")), "unsupported: there is no method 'nothing'");
    has(admin(2, "", "key", WORDS("--json")), "expected a method");
}

/* The link's fragment is the authorization of a login; the console sends it so. */
static void test_link(void **state)
{
    (void)state;
    const char *link = admin(0, "", "key", WORDS("link"));
    has(link, scratch_format("http://127.0.0.1:%u/admin#login=", stage_relay.port));
    const char *ticket = strstr(link, "#login=") + strlen("#login=");
    const char *request =
        scratch_format("POST / HTTP/1.1\r\nContent-Type: application/nostr+json+rpc"
                       "\r\nAuthorization: Nostr %.*s\r\n",
                       (int)strcspn(ticket, "\n"), ticket);
    const char *body = "{\"method\":\"login\",\"params\":[]}";
    struct fetch_answer answer =
        fetch_with(stage_relay.port, request, (struct span){body, strlen(body)});
    assert_int_equal(answer.status, 200);
    has(answer.body, "\"token\":\"");
    answer = fetch_with(stage_relay.port, request, (struct span){body, strlen(body)});
    assert_int_equal(answer.status, 401);
}

/* A certificate is believed when its authority is, and not before. */
static void test_tls(void **state)
{
    struct relay relay;
    const char *command = scratch_format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        " -subj /CN=elsewhere -addext subjectAltName=IP:127.0.0.1 -keyout '%s' -out '%s' 2>&1",
        file("key.pem"), file("certificate.pem"));
    (void)state;
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): nothing in it is foreign */
    relay_start(&relay, &(struct relay_setup){
                            .options = OPTIONS(
                                scratch_format("admin_pubkeys=%s", signer_pubkey(OPERATOR)),
                                scratch_format("tls_certificate=%s", file("certificate.pem")),
                                scratch_format("tls_key=%s", file("key.pem")))});
    const char *url = scratch_format("--url=wss://127.0.0.1:%u", relay.port);
    has(admin(1, "", "key", WORDS(url, "listblockedips")), "self-signed certificate");
    setenv("SSL_CERT_FILE", file("certificate.pem"), 1); // NOLINT(concurrency-mt-unsafe)
    assert_string_equal(admin(0, "", "key", WORDS(url, "listblockedips")), "none\n");
    const char *other = scratch_format("--url=wss://localhost:%u", relay.port);
    has(admin(1, "", "key", WORDS(other, "listblockedips")), "mismatch");
    unsetenv("SSL_CERT_FILE"); // NOLINT(concurrency-mt-unsafe)
    relay_stop(&relay);
}

static const char *const names[] = {"key",      "open",    "wrong",
                                    "stranger", "key.pem", "certificate.pem"};

static int open_stage(void **state)
{
    assert_non_null(mkdtemp(folder));
    write_key("key", scratch_format("%s\n", signer_secret(OPERATOR)), 0600);
    write_key("open", signer_secret(OPERATOR), 0640);
    write_key("wrong", "nsec1nothing", 0600);
    write_key("stranger", signer_secret(STRANGER), 0600);
    return stage_open(state);
}

static int close_stage(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(file(names[i]));
    rmdir(folder);
    return stage_close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_journey), cmocka_unit_test(test_keys),
                                       cmocka_unit_test(test_link), cmocka_unit_test(test_tls)};
    const char *const options[] = {scratch_format("admin_pubkeys=%s", signer_pubkey(OPERATOR)),
                                   NULL};
    stage_options = options;
    return cmocka_run_group_tests(tests, open_stage, close_stage);
}

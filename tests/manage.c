#include "tests/manage.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/test.h"

static json_t *handed_out;

void manage_clear(void)
{
    json_decref(handed_out);
    handed_out = NULL;
}

static const char *base64(const char *text)
{
    size_t len = strlen(text);
    char *out = scratch_alloc(len / 3 * 4 + 5);
    EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)len);
    return out;
}

static const char *hash(const char *text)
{
    unsigned char bytes[32];
    char *out = scratch_alloc(65);
    SHA256((const unsigned char *)text, strlen(text), bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return out;
}

static const char *tag(const char *name, const char *given, const char *right)
{
    if (given != NULL && given[0] == '\0')
        return "[\"x\"]";
    return scratch_format("[\"%s\",\"%s\"]", name, given != NULL ? given : right);
}

const char *manage_authorization(uint16_t port, const struct manage_draft *draft, const char *body)
{
    static unsigned made; /* else two of the same second are one event */
    const char *tags = scratch_format(
        "[%s,%s,%s,[\"n\",\"%u\"]]",
        tag("u", draft->u, scratch_format("http://127.0.0.1:%u", port)),
        tag("method", draft->method, "POST"), tag("payload", draft->payload, hash(body)), made++);
    const struct signer_event *event =
        SIGN(.person = draft->person, .kind = draft->kind == 0 ? 27235 : draft->kind,
             .created_at = signer_now() - draft->late_s, .tags = tags,
             .pubkey = draft->is_forged ? signer_pubkey(draft->person) : NULL);
    const char *json = event->json;
    if (draft->is_forged) {
        char *forged = scratch_format("%s", json);
        char *sig = strstr(forged, "\"sig\":\"") + 7;
        sig[10] = sig[10] == '0' ? '1' : '0';
        json = forged;
    }
    return scratch_format("Nostr %s", base64(json));
}

struct fetch_answer manage_post(uint16_t port, const char *authorization, const char *body)
{
    const char *request = scratch_format(
        "POST / HTTP/1.1\r\nContent-Type: application/nostr+json+rpc\r\n%s%s%s",
        authorization == NULL ? "" : "Authorization: ", authorization == NULL ? "" : authorization,
        authorization == NULL ? "" : "\r\n");
    return fetch_with(port, request, (struct span){body, strlen(body)});
}

struct fetch_answer manage_ask(uint16_t port, uint32_t person, const char *method,
                               const char *params)
{
    const char *body = scratch_format("{\"method\":\"%s\",\"params\":%s}", method, params);
    const struct manage_draft draft = {.person = person};
    return manage_post(port, manage_authorization(port, &draft, body), body);
}

json_t *manage_result(uint16_t port, uint32_t person, const char *method, const char *params)
{
    struct fetch_answer answer = manage_ask(port, person, method, params);
    json_t *json = json_loads(answer.body, 0, NULL);
    json_t *result = json_object_get(json, "result");
    if (answer.status != 200 || result == NULL)
        fail_msg("%s%s: %d %s", method, params, answer.status, answer.body);
    json_incref(result);
    json_decref(json);
    manage_clear();
    return handed_out = result;
}

void manage_do(uint16_t port, uint32_t person, const char *method, const char *params)
{
    const json_t *result = manage_result(port, person, method, params); /* a macro follows */
    if (!json_is_true(result))
        fail_msg("%s%s is not true", method, params);
}

void manage_is_refused(const struct fetch_answer *answer, int status, const char *error)
{
    json_t *json = json_loads(answer->body, 0, NULL);
    const char *got = json_string_value(json_object_get(json, "error"));
    if (answer->status != status || got == NULL || strncmp(got, error, strlen(error)) != 0)
        fail_msg("expected %d %s, got %d %s", status, error, answer->status, answer->body);
    json_decref(json);
}

void manage_refused(uint16_t port, uint32_t person, const char *method, const char *params,
                    int status, const char *error)
{
    struct fetch_answer answer = manage_ask(port, person, method, params);
    manage_is_refused(&answer, status, error);
}

#include "client/shoal.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "client/holder.h"
#include "client/keys.h"
#include "client/ncryptsec.h"
#include "client/reference.h"
#include "client/secret.h"
#include "client/shoal_parts.h"
#include "client/vault.h"
#include "shared/hex.h"
#include "shared/sig.h"
#include "shared/utf8.h"

const char *shoal_version(void)
{
    return SHOAL_VERSION;
}

void shoal_text_free(char *text)
{
    free(text);
}

void *shoal_alloc(size_t size)
{
    void *at = calloc(1, size);
    if (at == NULL)
        abort();
    return at;
}

uint64_t shoal_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void shoal_hex(char hex[SHOAL_HEX_SIZE], const struct bytes32 *value)
{
    hex_encode(hex, value->at, sizeof value->at);
    hex[SHOAL_HEX_SIZE - 1] = '\0';
}

struct span shoal_span(const char *text)
{
    return (struct span){text, text != NULL ? strlen(text) : 0};
}

bool shoal_reference(struct bytes32 *id, const char *word, struct shoal_error *error)
{
    struct err err;
    return reference_parse(id, shoal_span(word), &err) || shoal_fail(error, &err);
}

static enum shoal_error_code code_of(enum err_code code)
{
    switch (code) {
    case ERR_DUPLICATE:
    case ERR_POW:
    case ERR_INVALID:
        return SHOAL_ERROR_INVALID;
    case ERR_BLOCKED:
    case ERR_RATE_LIMITED:
    case ERR_RESTRICTED:
    case ERR_AUTH_REQUIRED:
    case ERR_MUTE:
        return SHOAL_ERROR_RESTRICTED;
    case ERR_UNSUPPORTED:
        return SHOAL_ERROR_UNSUPPORTED;
    case ERR_CLOSED:
    case ERR_INTERNAL:
        break;
    }
    return SHOAL_ERROR_SYSTEM;
}

bool shoal_fail(struct shoal_error *error, const struct err *err)
{
    if (error == NULL)
        return false;
    error->code = code_of(err->code);
    static_assert(sizeof error->text >= sizeof err->text, "an error fits");
    memcpy(error->text, err->text, sizeof err->text);
    return false;
}

/* ---- keys ---- */

static struct shoal_keys *hold(struct keys *keys)
{
    struct shoal_keys *held = shoal_alloc(sizeof *held);
    held->keys = keys;
    held->holder = holder_of_keys(keys);
    shoal_hex(held->pubkey, keys_pubkey(keys));
    return held;
}

struct shoal_keys *shoal_keys_new(struct shoal_error *error)
{
    struct bytes32 secret;
    struct err err;
    randombytes_buf(&secret, sizeof secret);
    struct keys *keys = keys_new(&secret);
    secret_wipe(&secret, sizeof secret);
    if (keys != NULL)
        return hold(keys);
    err_fill(&err, ERR_INTERNAL, "no secret key: random bytes are never this one");
    shoal_fail(error, &err);
    return NULL;
}

struct shoal_keys *shoal_keys_open(const char *file, const char *password,
                                   struct shoal_error *error)
{
    char path[VAULT_PATH_MAX];
    struct vault vault = {0};
    struct err err;
    struct keys *keys = NULL;
    bool ok = vault_path(path, file, &err) && vault_read(&vault, path, &err);
    if (ok && vault.bunker.len > 0)
        err_fill(&err, ERR_RESTRICTED, "the key is with a bunker, which keeps it");
    else if (ok)
        keys = ncryptsec_open(vault.word, shoal_span(password), &err);
    vault_clear(&vault);
    if (keys != NULL)
        return hold(keys);
    shoal_fail(error, &err);
    return NULL;
}

bool shoal_keys_save(const struct shoal_keys *keys, const char *file, const char *password,
                     struct shoal_error *error)
{
    char path[VAULT_PATH_MAX];
    struct ncryptsec_terms terms = {.log_n = NCRYPTSEC_LOG_N, .past = NCRYPTSEC_SAFE};
    struct text word = {0};
    struct err err;
    randombytes_buf(&terms.seed, sizeof terms.seed);
    bool ok = vault_path(path, file, &err) &&
              ncryptsec_seal(&word, keys->keys, shoal_span(password), &terms, &err) &&
              vault_write(path, text_span(&word), false, &err);
    text_clear(&word);
    return ok || shoal_fail(error, &err);
}

const char *shoal_keys_pubkey(const struct shoal_keys *keys)
{
    return keys->pubkey;
}

void shoal_keys_free(struct shoal_keys *keys)
{
    if (keys != NULL)
        holder_free(keys->holder);
    free(keys);
}

/* ---- events ---- */

bool shoal_event_read(struct event *event, struct arena *arena, struct span json, struct err *err)
{
    return event_parse(event, arena, arena_copy(arena, json), err) &&
           (event_check_id(event) || err_set(err, ERR_INVALID, "the id is not the event's")) &&
           (sig_verify(&event->sig, &event->id, &event->pubkey) ||
            err_set(err, ERR_INVALID, "the signature is not the author's"));
}

bool shoal_event_verify(const char *json, size_t size, char id[SHOAL_HEX_SIZE],
                        struct shoal_error *error)
{
    struct arena arena = {0};
    struct event event;
    struct err err;
    bool ok = shoal_event_read(&event, &arena, (struct span){json, size}, &err);
    if (ok && id != NULL)
        shoal_hex(id, &event.id);
    arena_clear(&arena);
    return ok || shoal_fail(error, &err);
}

/* Fills in what the draft says; spans live in the arena. */
static bool read_draft(struct event *event, struct arena *arena, const struct shoal_draft *draft,
                       struct err *err)
{
    struct text body = {0};
    struct span content = shoal_span(draft->content);
    *event = (struct event){.kind = (uint16_t)draft->kind, .created_at = draft->created_at};
    if (draft->kind < 0 || draft->kind > UINT16_MAX)
        return err_set(err, ERR_INVALID, "expected a kind from 0 to 65535, got %d", draft->kind);
    if (draft->created_at < 0)
        return err_set(err, ERR_INVALID, "a time before 1970");
    if (draft->created_at == 0)
        event->created_at = (int64_t)(shoal_now_ms() / 1000);
    if (!utf8_is(content))
        return err_set(err, ERR_INVALID, "a content that is not UTF-8");
    text_add_json(&body, content);
    event->content_json = arena_copy(arena, (struct span){body.at + 1, body.len - 2});
    text_clear(&body);
    struct span tags = shoal_span(draft->tags != NULL ? draft->tags : "[]");
    return event_parse_tags(event, arena, arena_copy(arena, tags), err);
}

char *shoal_event_sign(const struct shoal_keys *keys, const struct shoal_draft *draft,
                       char id[SHOAL_HEX_SIZE], struct shoal_error *error)
{
    struct arena arena = {0};
    struct text json = {0};
    struct bytes32 aux;
    struct event event;
    struct err err;
    randombytes_buf(&aux, sizeof aux);
    bool ok =
        read_draft(&event, &arena, draft, &err) && holder_sign(keys->holder, &event, &aux, &err);
    if (ok) {
        event_write(&json, &event);
        ok = event_parse(&event, &arena, arena_copy(&arena, text_span(&json)), &err);
    } /* as everybody else will read it */
    arena_clear(&arena);
    if (!ok) {
        text_clear(&json);
        shoal_fail(error, &err);
        return NULL;
    }
    text_add(&json, (struct span){"", 1});
    if (id != NULL)
        shoal_hex(id, &event.id);
    return json.at;
}

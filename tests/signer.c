#include "tests/signer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "shared/hex.h"
#include "shared/sig.h"
#include "tests/scratch.h"

int64_t signer_now(void)
{
    struct timespec now; /* time() may lag behind by a tick, and PostgreSQL does not */
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

static struct bytes32 secret_of(uint32_t person)
{
    const char *seed = scratch_format("shoal test person %u", person);
    return sig_sha256((struct span){seed, strlen(seed)});
}

static void set_hex(char *out, const uint8_t *bytes, size_t count)
{
    hex_encode(out, bytes, count);
    out[2 * count] = '\0';
}

const char *signer_pubkey(uint32_t person)
{
    struct bytes32 secret = secret_of(person), pubkey;
    char *out = scratch_alloc(65);
    bool ok = sig_pubkey(&pubkey, &secret);
    assert(ok);
    set_hex(out, pubkey.at, sizeof pubkey.at);
    return out;
}

const char *signer_secret(uint32_t person)
{
    struct bytes32 secret = secret_of(person);
    char *out = scratch_alloc(65);
    set_hex(out, secret.at, sizeof secret.at);
    return out;
}

static struct span or_text(struct span span, const char *text)
{
    return span.at != NULL ? span : (struct span){text, strlen(text)};
}

/* NIP-01: [0,pubkey,created_at,kind,tags,content] */
static struct bytes32 hash_of(const struct signer_event *event, const struct signer_draft *draft)
{
    struct span tags = or_text(draft->hashed_tags, event->tags);
    struct span content = or_text(draft->hashed_content, event->content);
    size_t room = tags.len + content.len + 200;
    char *bytes = scratch_alloc(room);
    int len = snprintf(bytes, room, "[0,\"%s\",%" PRId64 ",%u,", event->pubkey, event->created_at,
                       event->kind);
    char *end = mempcpy(bytes + len, tags.at, tags.len);
    end = mempcpy(end, ",\"", 2);
    end = mempcpy(end, content.at, content.len);
    end = mempcpy(end, "\"]", 2);
    return sig_sha256((struct span){bytes, (size_t)(end - bytes)});
}

static uint32_t zero_bits(const struct bytes32 *id)
{
    for (uint32_t bit = 0; bit < 256; bit++)
        if ((id->at[bit / 8] & 0x80 >> bit % 8) != 0)
            return bit;
    return 256;
}

static struct bytes32 mine(struct signer_event *event, const struct signer_draft *draft)
{
    for (uint32_t nonce = 0;; nonce++) {
        event->tags = draft->pow_committed != NULL ? scratch_format("[[\"nonce\",\"%u\",\"%s\"]]",
                                                                    nonce, draft->pow_committed)
                                                   : scratch_format("[[\"nonce\",\"%u\"]]", nonce);
        struct bytes32 id = hash_of(event, draft);
        uint32_t bits = zero_bits(&id);
        if (bits >= draft->pow_bits && (draft->pow_bits_short == 0 || bits < draft->pow_bits_short))
            return id;
    }
}

const struct signer_event *signer_event(const struct signer_draft *draft)
{
    struct bytes32 secret = secret_of(draft->person), aux = sig_sha256(SPAN("aux"));
    struct bytes64 sig;
    struct signer_event *event = scratch_alloc(sizeof *event);
    const char *pubkey = draft->pubkey != NULL ? draft->pubkey : signer_pubkey(draft->person);
    snprintf(event->pubkey, sizeof event->pubkey, "%s", pubkey);
    event->created_at = draft->created_at == 0              ? signer_now()
                        : draft->created_at == SIGNER_EPOCH ? 0
                                                            : draft->created_at;
    event->kind = draft->kind;
    event->tags = draft->tags != NULL ? draft->tags : "[]";
    event->content = draft->content != NULL ? draft->content : "";
    struct bytes32 id = draft->pow_bits > 0 || draft->pow_bits_short > 0 ? mine(event, draft)
                                                                         : hash_of(event, draft);
    bool ok = sig_sign(&sig, &id, &secret, &aux);
    assert(ok);
    set_hex(event->id, id.at, sizeof id.at);
    set_hex(event->sig, sig.at, sizeof sig.at);
    event->json = scratch_format("{\"id\":\"%s\",\"pubkey\":\"%s\",\"created_at\":%" PRId64
                                 ",\"kind\":%u,\"tags\":%s,\"content\":\"%s\",\"sig\":\"%s\"}",
                                 event->id, event->pubkey, event->created_at, event->kind,
                                 event->tags, event->content, event->sig);
    return event;
}

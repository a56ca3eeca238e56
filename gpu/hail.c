#include "gpu/hail.h"

#include <endian.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "shared/err.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { NUMBER_BYTES = 32, PROOF_BYTES = 32, DESCRIPTION_BYTES = 64, REFUSED = 1 };

static struct bytes32 hmac(const struct bytes32 *key, const struct text *text)
{
    struct bytes32 out;
    unsigned len = sizeof out.at;
    if (HMAC(EVP_sha256(), key->at, sizeof key->at, (const unsigned char *)text->at, text->len,
             out.at, &len) == NULL)
        __builtin_trap(); /* it has no other way to fail than no memory */
    return out;
}

static void put(char *out, size_t at, uint32_t number)
{
    uint32_t little = htole32(number);
    memcpy(out + at, &little, sizeof little);
}

static uint32_t get(const char *in, size_t at)
{
    uint32_t little;
    memcpy(&little, in + at, sizeof little);
    return le32toh(little);
}

static void describe(char out[DESCRIPTION_BYTES], const struct hail_self *self,
                     enum hail_purpose purpose)
{
    uint64_t origin = htole64(self->origin);
    memcpy(out, self->root.at, sizeof self->root.at);
    put(out, 32, self->layers);
    put(out, 36, self->begin);
    put(out, 40, self->end);
    put(out, 44, self->width);
    put(out, 48, self->vocabulary);
    put(out, 52, purpose);
    memcpy(out + 56, &origin, sizeof origin);
}

static struct hail_self read_description(const char *in)
{
    struct hail_self self = {.layers = get(in, 32),
                             .begin = get(in, 36),
                             .end = get(in, 40),
                             .width = get(in, 44),
                             .vocabulary = get(in, 48)};
    uint64_t origin;
    memcpy(self.root.at, in, sizeof self.root.at);
    memcpy(&origin, in + 56, sizeof origin);
    self.origin = le64toh(origin);
    return self;
}

/* descriptions: the caller's, of the listener's proof both; of the link's key none. */
static struct bytes32 prove(const struct hail *hail, const char *label, struct span descriptions)
{
    struct text text = {0};
    const struct bytes32 *listener = hail->is_caller ? &hail->other_number : &hail->number;
    const struct bytes32 *caller = hail->is_caller ? &hail->number : &hail->other_number;
    text_add(&text, (struct span){label, strlen(label)});
    text_add(&text, SPAN_OF(*listener));
    text_add(&text, SPAN_OF(*caller));
    text_add(&text, descriptions);
    struct bytes32 proof = hmac(&hail->key, &text);
    text_clear(&text);
    return proof;
}

static const char caller_label[] = "shoal stage caller";
static const char listener_label[] = "shoal stage listener";
static const char link_label[] = "shoal stage link";

static struct hail make(const struct hail_self *self, const struct bytes32 *key,
                        const struct bytes32 *number)
{
    return (struct hail){.self = self, .key = *key, .number = *number};
}

struct hail hail_listen(const struct hail_self *self, const struct bytes32 *key,
                        const struct bytes32 *number)
{
    return make(self, key, number);
}

struct hail hail_call(const struct hail_self *self, const struct bytes32 *key,
                      const struct bytes32 *number, enum hail_purpose purpose)
{
    struct hail hail = make(self, key, number);
    hail.is_caller = true;
    hail.purpose = purpose;
    return hail;
}

static void say(struct hail_message *out, struct span bytes)
{
    memcpy(out->at + out->len, bytes.at, bytes.len);
    out->len += bytes.len;
}

void hail_begin(const struct hail *hail, struct hail_message *out)
{
    out->flags = 0;
    out->len = 0;
    if (!hail->is_caller)
        say(out, SPAN_OF(hail->number));
}

/* Whether rows of one go to the other, or results of the other to the one. */
static bool fits(const struct hail *hail, const struct hail_self *caller,
                 const struct hail_self *listener, struct err *err)
{
    if (!span_eq(SPAN_OF(caller->root), SPAN_OF(listener->root)) ||
        caller->layers != listener->layers || caller->width != listener->width ||
        caller->vocabulary != listener->vocabulary)
        return err_set(err, ERR_INVALID, "the weights are another model's");
    if (hail->purpose == HAIL_RETURN)
        return listener->end == caller->begin ||
               err_set(err, ERR_INVALID, "rows of layer %u are not those of layers %u-%u",
                       caller->begin, listener->begin, listener->end - 1);
    if (hail->purpose == HAIL_RESULTS)
        return (caller->begin == 0 && listener->end == listener->layers) ||
               err_set(err, ERR_INVALID, "results go from the last layers, not from %u-%u",
                       listener->begin, listener->end - 1);
    return caller->end == listener->begin ||
           err_set(err, ERR_INVALID, "layers %u-%u do not follow layers %u-%u", listener->begin,
                   listener->end - 1, caller->begin, caller->end - 1);
}

static bool is_proof(const struct bytes32 *proof, const char *bytes)
{
    return CRYPTO_memcmp(proof->at, bytes, sizeof proof->at) == 0;
}

static void meet(struct hail *hail)
{
    hail->link_key = prove(hail, link_label, (struct span){0});
    hail->state = HAIL_MET;
}

/* A caller hears the listener's number. */
static bool hear_number(struct hail *hail, struct hail_message *out, struct span said,
                        struct err *err)
{
    char description[DESCRIPTION_BYTES];
    if (said.len != NUMBER_BYTES)
        return err_set(err, ERR_INVALID, "a greeting of %zu bytes", said.len);
    memcpy(hail->other_number.at, said.at, NUMBER_BYTES);
    describe(description, hail->self, hail->purpose);
    struct bytes32 proof = prove(hail, caller_label, SPAN_OF(description));
    say(out, SPAN_OF(hail->number));
    say(out, SPAN_OF(proof));
    say(out, SPAN_OF(description));
    if (hail->letter.len > 0)
        say(out, hail->letter);
    hail->received = 1; /* greetings have no tags: it tells which is next */
    return true;
}

/* And what it answers. */
static bool hear_listener(struct hail *hail, struct span said, struct err *err)
{
    char descriptions[2 * DESCRIPTION_BYTES];
    if (said.len != PROOF_BYTES + DESCRIPTION_BYTES)
        return err_set(err, ERR_INVALID, "a greeting of %zu bytes", said.len);
    describe(descriptions, hail->self, hail->purpose);
    memcpy(descriptions + DESCRIPTION_BYTES, said.at + PROOF_BYTES, DESCRIPTION_BYTES);
    struct bytes32 proof = prove(hail, listener_label, SPAN_OF(descriptions));
    if (!is_proof(&proof, said.at))
        return err_set(err, ERR_RESTRICTED, "it has not the key");
    hail->other = read_description(said.at + PROOF_BYTES);
    return fits(hail, hail->self, &hail->other, err);
}

/* The key of a stranger is in its letter. */
static bool open_letter(struct hail *hail, struct span letter, struct err *err)
{
    const struct hail_door *door = hail->door;
    if (letter.len == 0)
        return door == NULL || !door->is_only_way ||
               err_set(err, ERR_RESTRICTED, "a letter is wanted");
    hail->has_writer = door != NULL && door->open(door->owner, &hail->key, &hail->writer, letter);
    return hail->has_writer || err_set(err, ERR_RESTRICTED, "a letter that nobody here can open");
}

/* A number that is of this caller, whatever others say that theirs is. */
static uint64_t number_of(const struct hail *hail, uint64_t origin)
{
    struct text text = {0};
    uint64_t little = htole64(origin);
    text_add(&text, SPAN_OF(hail->writer));
    text_add(&text, SPAN_OF(little));
    struct bytes32 hash = sig_sha256(text_span(&text));
    text_clear(&text);
    memcpy(&little, hash.at, sizeof little);
    return le64toh(little);
}

static enum hail_purpose purpose_of(uint32_t number)
{
    return number == HAIL_RESULTS ? HAIL_RESULTS : number == HAIL_RETURN ? HAIL_RETURN : HAIL_ROWS;
}

/* A listener hears a caller. */
static bool hear_caller(struct hail *hail, struct hail_message *out, struct span said,
                        struct err *err)
{
    enum { BYTES = NUMBER_BYTES + PROOF_BYTES + DESCRIPTION_BYTES };
    char descriptions[2 * DESCRIPTION_BYTES];
    if (said.len < BYTES || said.len > BYTES + HAIL_LETTER_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a greeting of %zu bytes", said.len);
    if (!open_letter(hail, (struct span){said.at + BYTES, said.len - BYTES}, err))
        return false;
    memcpy(hail->other_number.at, said.at, NUMBER_BYTES);
    memcpy(descriptions, said.at + NUMBER_BYTES + PROOF_BYTES, DESCRIPTION_BYTES);
    struct bytes32 proof =
        prove(hail, caller_label, (struct span){descriptions, DESCRIPTION_BYTES});
    if (!is_proof(&proof, said.at + NUMBER_BYTES))
        return err_set(err, ERR_RESTRICTED, "it has not the key");
    hail->other = read_description(descriptions);
    if (hail->has_writer)
        hail->other.origin = number_of(hail, hail->other.origin);
    hail->purpose = purpose_of(get(descriptions, 52));
    if (!fits(hail, &hail->other, hail->self, err))
        return false;
    describe(descriptions + DESCRIPTION_BYTES, hail->self, hail->purpose);
    proof = prove(hail, listener_label, SPAN_OF(descriptions));
    say(out, SPAN_OF(proof));
    say(out, (struct span){descriptions + DESCRIPTION_BYTES, DESCRIPTION_BYTES});
    return true;
}

static bool hear(struct hail *hail, struct hail_message *out, const struct wire *wire,
                 struct err *err)
{
    if (wire->type != WIRE_HELLO || hail->state != HAIL_WAITS)
        return err_set(err, ERR_INVALID, "a frame out of turn");
    if (wire->flags == REFUSED)
        return err_set(err, ERR_RESTRICTED, "it says: %.*s", SPAN_ARG(wire->payload));
    if (hail->is_caller && hail->received == 0)
        return hear_number(hail, out, wire->payload, err);
    if (!(hail->is_caller ? hear_listener(hail, wire->payload, err)
                          : hear_caller(hail, out, wire->payload, err)))
        return false;
    hail->received = 0;
    meet(hail);
    return true;
}

bool hail_hear(struct hail *hail, struct hail_message *out, const struct wire *wire,
               struct err *err)
{
    struct err why;
    out->flags = 0;
    out->len = 0;
    if (hear(hail, out, wire, &why))
        return true;
    hail->state = HAIL_FAILED;
    if (err != NULL)
        *err = why;
    out->flags = REFUSED;
    out->len = 0;
    if (!hail->is_caller)
        say(out, (struct span){why.text, strlen(why.text)});
    return false;
}

static struct bytes32 tag_of(const struct hail *hail, bool is_callers, uint64_t number,
                             const char *header, struct span payload)
{
    struct text text = {0};
    uint64_t little = htole64(number);
    struct bytes32 hash = sig_sha256(payload);
    text_add(&text, is_callers ? SPAN("c") : SPAN("l"));
    text_add(&text, SPAN_OF(little));
    text_add(&text, (struct span){header, WIRE_TAG_AT});
    text_add(&text, SPAN_OF(hash));
    struct bytes32 tag = hmac(&hail->link_key, &text);
    text_clear(&text);
    return tag;
}

void hail_seal(struct hail *hail, char header[WIRE_HEADER_BYTES], struct span payload)
{
    struct bytes32 tag = tag_of(hail, hail->is_caller, hail->sent++, header, payload);
    wire_seal(header, payload, tag.at);
}

bool hail_check(struct hail *hail, struct span message)
{
    struct span payload = {message.at + WIRE_HEADER_BYTES, message.len - WIRE_HEADER_BYTES};
    struct bytes32 tag = tag_of(hail, !hail->is_caller, hail->received++, message.at, payload);
    return CRYPTO_memcmp(tag.at, message.at + WIRE_TAG_AT, WIRE_TAG_BYTES) == 0;
}

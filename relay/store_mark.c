#include "relay/store_mark.h"

#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"

enum { MARK_ID = 1, MARK_ADDRESS = 2 }; /* in the place of a tag's letter */

enum { KEY_CHARS = 2 * sizeof(struct bytes32), KIND_DIGITS_MAX = 5 };

int64_t store_mark_of_id(const struct hash_key *key, const struct bytes32 *author,
                         const struct bytes32 *id)
{
    const struct bytes32 both[] = {*author, *id};
    return tag_hash_of(key, MARK_ID, SPAN_OF(both));
}

static int64_t dh_of(const struct hash_key *key, uint16_t kind, struct span identifier)
{
    return kind_class(kind) == KIND_ADDRESSABLE ? tag_hash_identifier(key, identifier) : 0;
}

bool store_address_of(struct store_address *address, const struct hash_key *key,
                      const struct event *event)
{
    enum kind_class class = kind_class(event->kind);
    if (class != KIND_REPLACEABLE && class != KIND_ADDRESSABLE)
        return false;
    *address =
        (struct store_address){event->kind, dh_of(key, event->kind, event_identifier(event))};
    return true;
}

static bool parse_kind(uint16_t *out, struct span digits)
{
    uint32_t value = 0;
    if (digits.len == 0 || digits.len > KIND_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        value = 10 * value + (uint32_t)(digits.at[i] - '0');
    }
    if (value > UINT16_MAX)
        return false;
    *out = (uint16_t)value;
    return true;
}

/* <kind>:<pubkey>:<d> */
bool store_address_parse(struct store_address *address, const struct hash_key *key,
                         struct span value, const struct bytes32 *author)
{
    struct bytes32 named;
    const char *colon = value.len > 0 ? memchr(value.at, ':', value.len) : NULL;
    if (colon == NULL)
        return false;
    struct span digits = {value.at, (size_t)(colon - value.at)};
    struct span rest = {colon + 1, value.len - digits.len - 1};
    if (!parse_kind(&address->kind, digits) || rest.len <= KEY_CHARS || rest.at[KEY_CHARS] != ':' ||
        !hex_decode(named.at, sizeof named, (struct span){rest.at, KEY_CHARS}) ||
        memcmp(named.at, author->at, sizeof named) != 0)
        return false;
    struct span identifier = {rest.at + KEY_CHARS + 1, rest.len - KEY_CHARS - 1};
    enum kind_class class = kind_class(address->kind);
    if (class != KIND_ADDRESSABLE && (class != KIND_REPLACEABLE || identifier.len > 0))
        return false;
    address->dh = dh_of(key, address->kind, identifier);
    return true;
}

int64_t store_mark_of_address(const struct hash_key *key, const struct bytes32 *author,
                              const struct store_address *address)
{
    uint64_t dh = (uint64_t)address->dh;
    unsigned char text[sizeof *author + 2 + 8];
    memcpy(text, author->at, sizeof *author);
    text[32] = (unsigned char)(address->kind >> 8);
    text[33] = (unsigned char)(address->kind & 0xff);
    for (int i = 0; i < 8; i++)
        text[34 + i] = (unsigned char)(dh >> 8 * i);
    return tag_hash_of(key, MARK_ADDRESS, SPAN_OF(text));
}

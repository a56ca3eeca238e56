#include "relay/control_name.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "relay/address.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"

/* 32 bytes given in hex, or as a word of NIP-19 of one of two types. */
static bool name_bytes(struct text *out, struct span word, enum bech32_type type,
                       enum bech32_type other, struct err *err)
{
    struct bytes32 bytes;
    struct bech32 decoded;
    struct arena arena = {0};
    bool is_good = hex_decode(bytes.at, sizeof bytes, word);
    if (!is_good && word.len < BECH32_CHARS_MAX && bech32_decode(&decoded, &arena, word, NULL) &&
        (decoded.type == type || decoded.type == other)) {
        bytes = decoded.key;
        is_good = true;
    }
    arena_clear(&arena);
    if (!is_good)
        return err_set(err, ERR_INVALID, "expected 64 lowercase hex digits or %s",
                       type == BECH32_NPUB ? "an npub" : "a note");
    text_add_hex(out, bytes.at, sizeof bytes);
    return true;
}

/* Up to 5 digits. */
static bool parse_number(uint32_t *out, struct span word)
{
    *out = 0;
    if (word.len == 0 || word.len > 5)
        return false;
    for (size_t i = 0; i < word.len; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return false;
        *out = *out * 10 + (uint32_t)(word.at[i] - '0');
    }
    return true;
}

bool control_kind(uint32_t *kind, struct span word)
{
    return parse_number(kind, word) && *kind <= UINT16_MAX;
}

static bool name_kind(struct text *out, struct span word, struct err *err)
{
    uint32_t kind;
    if (!control_kind(&kind, word))
        return err_set(err, ERR_INVALID, "expected a kind from 0 to 65535");
    text_addf(out, "%u", kind);
    return true;
}

/* Clears the bits of the host. */
void control_network_widen(struct control_network *network)
{
    for (uint32_t i = 0; i < network->len; i++) {
        uint32_t kept = network->bits > 8 * i ? network->bits - 8 * i : 0;
        if (kept < 8)
            network->ip[i] &= (uint8_t)(0xff00 >> kept);
    }
}

bool control_network(struct control_network *out, struct span word)
{
    const char *slash = word.len == 0 ? NULL : memchr(word.at, '/', word.len);
    struct span ip = {word.at, slash == NULL ? word.len : (size_t)(slash - word.at)};
    *out = (struct control_network){0};
    if (!address_parse(out->ip, &out->len, ip))
        return false;
    uint32_t bits = (uint32_t)out->len * 8;
    if (slash != NULL &&
        (!parse_number(&out->bits, (struct span){slash + 1, word.len - ip.len - 1}) ||
         out->bits > bits))
        return false;
    if (slash == NULL)
        out->bits = bits;
    if (out->len == sizeof out->ip && out->bits > CONTROL_IP6_BITS)
        out->bits = CONTROL_IP6_BITS;
    control_network_widen(out);
    return true;
}

static bool name_network(struct text *out, struct span word, struct err *err)
{
    struct control_network network;
    char ip[INET6_ADDRSTRLEN];
    if (!control_network(&network, word))
        return err_set(err, ERR_INVALID, "expected an address, or a network like 10.0.0.0/8");
    bool is_ip4 = network.len == 4;
    if (inet_ntop(is_ip4 ? AF_INET : AF_INET6, network.ip, ip, sizeof ip) == NULL)
        abort(); /* there is room */
    if (is_ip4 && network.bits == CONTROL_IP4_BITS)
        text_addf(out, "%s", ip);
    else
        text_addf(out, "%s/%u", ip, network.bits);
    return true;
}

/* "pubkey word" */
static bool name_of_pubkey(struct text *out, struct span word, struct err *err)
{
    const char *space = word.len == 0 ? NULL : memchr(word.at, ' ', word.len);
    if (space == NULL || word.len > CONTROL_NAME_MAX)
        return err_set(err, ERR_INVALID, "expected a pubkey and a name");
    struct span pubkey = {word.at, (size_t)(space - word.at)};
    if (!name_bytes(out, pubkey, BECH32_NPUB, BECH32_NPUB, err))
        return false;
    text_add(out, (struct span){space, word.len - pubkey.len});
    return true;
}

static bool name_role(struct text *out, struct span word, struct err *err)
{
    bool is_good = word.len > 0 && word.len <= CONTROL_ROLE_MAX;
    for (size_t i = 0; i < word.len; i++)
        is_good = is_good && word.at[i] > ' ' && word.at[i] < 0x7f;
    text_add(out, word);
    return is_good || err_set(err, ERR_INVALID, "an id of a role has 1 to %d characters of ASCII",
                              CONTROL_ROLE_MAX);
}

bool control_name(struct text *out, enum control_list list, struct span word, struct err *err)
{
    switch (list) {
    case CONTROL_PUBKEY:
        return name_bytes(out, word, BECH32_NPUB, BECH32_NPROFILE, err);
    case CONTROL_EVENT:
        return name_bytes(out, word, BECH32_NOTE, BECH32_NEVENT, err);
    case CONTROL_KIND:
        return name_kind(out, word, err);
    case CONTROL_IP:
        return name_network(out, word, err);
    case CONTROL_METHOD:
    case CONTROL_MEMBER:
        return name_of_pubkey(out, word, err);
    case CONTROL_ROLE:
        return name_role(out, word, err);
    case CONTROL_SETTING:
    case CONTROL_PURGE:
        text_add(out, word);
        return word.len <= CONTROL_NAME_MAX ||
               err_set(err, ERR_INVALID, "more than %d characters", CONTROL_NAME_MAX);
    }
    abort();
}

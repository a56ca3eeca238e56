#include <arpa/inet.h>
#include <stdlib.h>

#include "relay/address.h"
#include "shared/err.h"

enum { IP4_LEN = 4, IP6_LEN = 16, MAPPED_LEN = 12, IP_CHARS_MAX = 45 };

struct network {
    uint8_t ip[IP6_LEN];
    size_t len;
    uint32_t bits;
};

struct address_networks {
    uint32_t count;
    struct network at[];
};

static bool parse(uint8_t ip[IP6_LEN], size_t *len, struct span text)
{
    char copy[IP_CHARS_MAX + 1];
    if (text.len == 0 || text.len > IP_CHARS_MAX || memchr(text.at, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    bool is_ip6 = strchr(copy, ':') != NULL;
    *len = is_ip6 ? IP6_LEN : IP4_LEN;
    return inet_pton(is_ip6 ? AF_INET6 : AF_INET, copy, ip) == 1;
}

/* An IPv4 peer of an IPv6 socket is that IPv4 address. */
static bool is_mapped(const uint8_t *ip, size_t len)
{
    static const uint8_t prefix[MAPPED_LEN] = {[10] = 0xff, [11] = 0xff};
    return len == IP6_LEN && memcmp(ip, prefix, sizeof prefix) == 0;
}

static void unmap(uint8_t ip[IP6_LEN], size_t *len)
{
    if (!is_mapped(ip, *len))
        return;
    memmove(ip, ip + MAPPED_LEN, IP4_LEN);
    *len = IP4_LEN;
}

bool address_parse(uint8_t ip[16], size_t *len, struct span text)
{
    if (!parse(ip, len, text))
        return false;
    unmap(ip, len);
    return true;
}

/* Decimal digits only; strtoul would take signs and spaces. */
static bool parse_bits(uint32_t *bits, struct span text, size_t bits_max)
{
    *bits = 0;
    if (text.len == 0 || text.len > 3)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        *bits = *bits * 10 + (uint32_t)(text.at[i] - '0');
    }
    return *bits <= bits_max;
}

static bool parse_network(struct network *network, struct span word, struct err *err)
{
    const char *slash = memchr(word.at, '/', word.len);
    struct span ip = {word.at, slash == NULL ? word.len : (size_t)(slash - word.at)};
    if (!parse(network->ip, &network->len, ip))
        return err_set(err, ERR_INVALID, "'%.40s' is no network", word.at);
    network->bits = (uint32_t)network->len * 8;
    if (slash != NULL) {
        struct span bits = {slash + 1, word.len - ip.len - 1};
        if (!parse_bits(&network->bits, bits, network->len * 8))
            return err_set(err, ERR_INVALID, "'%.40s' is no network", word.at);
    }
    if (is_mapped(network->ip, network->len) && network->bits >= MAPPED_LEN * 8) {
        unmap(network->ip, &network->len);
        network->bits -= MAPPED_LEN * 8;
    }
    return true;
}

/* The next word of a list, or an empty span at its end. */
static struct span next_word(const char **at)
{
    *at += strspn(*at, " ,\t");
    struct span word = {*at, strcspn(*at, " ,\t")};
    *at += word.len;
    return word;
}

struct address_networks *address_networks_new(const char *text, struct err *err)
{
    uint32_t count = 0;
    const char *at = text;
    while (next_word(&at).len > 0)
        count++;
    struct address_networks *networks =
        calloc(1, sizeof *networks + count * sizeof networks->at[0]);
    if (networks == NULL)
        abort();
    at = text;
    for (; networks->count < count; networks->count++)
        if (!parse_network(&networks->at[networks->count], next_word(&at), err)) {
            free(networks);
            return NULL;
        }
    return networks;
}

void address_networks_free(struct address_networks *networks)
{
    free(networks);
}

static bool has(const struct network *network, struct span ip)
{
    uint32_t bytes = network->bits / 8, rest = network->bits % 8;
    if (network->len != ip.len || memcmp(network->ip, ip.at, bytes) != 0)
        return false;
    return rest == 0 || ((network->ip[bytes] ^ (uint8_t)ip.at[bytes]) >> (8 - rest)) == 0;
}

bool address_networks_have(const struct address_networks *networks, struct span ip)
{
    for (uint32_t i = 0; i < networks->count; i++)
        if (has(&networks->at[i], ip))
            return true;
    return false;
}

/* Cuts the last item off a comma-separated list, without the spaces around it. */
static struct span last_item(struct span *list)
{
    size_t start = list->len;
    while (start > 0 && list->at[start - 1] != ',')
        start--;
    struct span item = {list->at + start, list->len - start};
    list->len = start == 0 ? 0 : start - 1;
    for (; item.len > 0 && (item.at[0] == ' ' || item.at[0] == '\t'); item.len--)
        item.at++;
    while (item.len > 0 && (item.at[item.len - 1] == ' ' || item.at[item.len - 1] == '\t'))
        item.len--;
    return item;
}

void address_behind(uint8_t ip[16], size_t *len, const struct address_networks *trusted,
                    struct span peer, struct span forwarded_for)
{
    memcpy(ip, peer.at, peer.len);
    *len = peer.len;
    unmap(ip, len);
    while (forwarded_for.len > 0 &&
           address_networks_have(trusted, (struct span){(const char *)ip, *len})) {
        uint8_t before[IP6_LEN];
        size_t before_len;
        if (!address_parse(before, &before_len, last_item(&forwarded_for)))
            return;
        memcpy(ip, before, before_len);
        *len = before_len;
    }
}

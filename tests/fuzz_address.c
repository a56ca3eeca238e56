/* Any bytes as an X-Forwarded-For, as networks and as an address: the client found is a real
 * one. */
#include <assert.h>
#include <stdlib.h>

#include "relay/address.h"
#include "shared/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_networks(struct span text)
{
    struct err err = {.text = {0}};
    char *copy = calloc(1, text.len + 1);
    assert(copy != NULL);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    struct address_networks *networks = address_networks_new(copy, &err);
    assert(networks != NULL || err.text[0] != '\0');
    address_networks_free(networks);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char stranger[4] = {(char)192, 0, 2, 1};
    static const char proxy[4] = {10, 0, 0, 1};
    struct span text = {(const char *)data, size};
    uint8_t ip[16];
    size_t len = 0;
    struct address_networks *trusted = address_networks_new("10.0.0.0/8 ::1", NULL);
    assert(trusted != NULL);

    /* Who is not trusted is believed nothing. */
    address_behind(ip, &len, trusted, (struct span){stranger, 4}, text);
    assert(len == 4 && memcmp(ip, stranger, 4) == 0);
    address_behind(ip, &len, trusted, (struct span){proxy, 4}, text);
    assert(len == 4 || len == 16);
    if (address_parse(ip, &len, text))
        assert((len == 4 || len == 16) && text.len >= 2);
    check_networks(text);
    address_networks_free(trusted);
    return 0;
}

#include "client/command_listen.h"

#include <stdio.h>

#include "client/command.h"
#include "shared/number.h"

bool command_read_listen(char address[COMMAND_ADDRESS_MAX], uint16_t *port, const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : 0;
    int64_t number;
    if (!number_decimal(&number, command_span(colon != NULL ? colon + 1 : text)) ||
        number > UINT16_MAX)
        return false;
    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len >= COMMAND_ADDRESS_MAX)
        return false;
    snprintf(address, COMMAND_ADDRESS_MAX, "%.*s", (int)len, text);
    if (len == 0)
        snprintf(address, COMMAND_ADDRESS_MAX, "127.0.0.1");
    *port = (uint16_t)number;
    return true;
}

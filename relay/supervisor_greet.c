#include "relay/supervisor_greet.h"

#include <libpq-fe.h>

#include "relay/config.h"
#include "shared/text.h"

/* An address to connect to: "all of them" is none. */
static const char *reachable(const char *address)
{
    if (strcmp(address, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(address, "::") == 0 ? "::1" : address;
}

static void write_url(struct text *out, const struct config *config, const char *scheme,
                      uint16_t port)
{
    const char *host = reachable(config->listen_address);
    bool secure = config->tls_certificate[0] != '\0';
    text_addf(out, strchr(host, ':') != NULL ? "%s%s://[%s]:%u\n" : "%s%s://%s:%u\n", scheme,
              secure ? "s" : "", host, port);
}

/* libpq marks with '*' what is not to be shown. */
static void write_database(struct text *out, const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    text_addf(out, "database");
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++)
        if (option->val != NULL && option->dispchar[0] != '*')
            text_addf(out, " %s=%s", option->keyword, option->val);
    text_addf(out, "\n");
    PQconninfoFree(options);
}

void supervisor_greet(struct text *out, const struct config *config, uint16_t port)
{
    text_addf(out, "ready port=%u\nrelay  ", port);
    write_url(out, config, "ws", port);
    text_addf(out, "page   ");
    write_url(out, config, "http", port);
    if (config->database[0] != '\0')
        write_database(out, config->database);
    else
        text_addf(out, "data   %s\n", config->data_dir);
}

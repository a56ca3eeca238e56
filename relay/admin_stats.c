#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdlib.h>

#include "relay/admin_job.h"
#include "relay/config.h"
#include "relay/option.h"
#include "relay/talkers.h"
#include "shared/text.h"

static void add_address(struct text *out, const struct talker *talker)
{
    uint8_t ip[16] = {0};
    char text[INET6_ADDRSTRLEN];
    bool is_ip4 = talker->ip_len == 4;
    memcpy(ip, talker->ip, sizeof talker->ip);
    if (inet_ntop(is_ip4 ? AF_INET : AF_INET6, ip, text, sizeof text) == NULL)
        abort(); /* there is room */
    text_addf(out, "%s{\"ip\":\"%s%s\",\"connections\":%u,\"events\":%.2f,\"reqs\":%.2f}",
              out->at[out->len - 1] == '[' ? "" : ",", text, is_ip4 ? "" : "/64",
              talker->connections, (double)talker->events_per_s, (double)talker->reqs_per_s);
}

void admin_say_stats(struct admin_job *job, struct span stored)
{
    struct talker talkers[TALKERS_ALL_MAX];
    struct text text = {0};
    text_add(&text, SPAN("{\"stored\":"));
    text_add(&text, stored);
    text_add(&text, SPAN(",\"addresses\":["));
    uint32_t count = talkers_read(talkers);
    for (uint32_t i = 0; i < count && i < TALKERS_MAX; i++)
        add_address(&text, &talkers[i]);
    text_add(&text, SPAN("]}"));
    admin_finish(job, text_span(&text));
    text_clear(&text);
}

/* libpq marks with '*' what is not to be shown. */
static void add_conninfo(struct text *out, const char *conninfo)
{
    struct text shown = {0};
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++)
        if (option->val != NULL)
            text_addf(&shown, "%s%s=%s", shown.len > 0 ? " " : "", option->keyword,
                      option->dispchar[0] == '*' ? "********" : option->val);
    PQconninfoFree(options);
    text_add_json(out, text_span(&shown));
    text_clear(&shown);
}

struct shown {
    const struct config *config;
    struct text text;
};

static void add_setting(void *owner, const struct option *option)
{
    struct shown *shown = owner;
    struct text value = {0};
    text_addf(&shown->text, "%s{\"name\":\"%s\",\"value\":", shown->text.len > 1 ? "," : "",
              option->name);
    option_write_value(&value, option, shown->config);
    if (strcmp(option->name, "database") == 0)
        add_conninfo(&shown->text, shown->config->database);
    else if (strcmp(option->name, "database_read") == 0)
        add_conninfo(&shown->text, shown->config->database_read);
    else
        text_add_json(&shown->text, text_span(&value));
    text_add(&shown->text, SPAN(",\"default\":"));
    text_add_json(&shown->text, (struct span){option->preset, strlen(option->preset)});
    text_add(&shown->text, SPAN(",\"help\":"));
    text_add_json(&shown->text, (struct span){option->help, strlen(option->help)});
    text_add(&shown->text, SPAN("}"));
    text_clear(&value);
}

void admin_show_config(struct admin_job *job)
{
    struct shown shown = {.config = job->admin->setup.config};
    text_add(&shown.text, SPAN("["));
    config_each(add_setting, &shown);
    text_add(&shown.text, SPAN("]"));
    admin_finish(job, text_span(&shown.text));
    text_clear(&shown.text);
}

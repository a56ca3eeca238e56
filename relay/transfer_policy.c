#include "relay/config.h"
#include "relay/control.h"
#include "relay/control_db.h"
#include "relay/plugin.h"
#include "relay/rules.h"
#include "relay/transfer_base.h"
#include "relay/trust.h"
#include "shared/err.h"

/* TRUST_MS_MAX: many lists are read for a web of trust. */
enum { CONTROL_MS_MAX = 10000, TRUST_MS_MAX = 60000 };

/* It is asked anew for each event. */
static void on_changed(void *owner, enum control_list list)
{
    (void)owner;
    (void)list;
}

static bool is_control_loaded(const struct transfer *transfer)
{
    return control_db_is_loaded(transfer->control_db);
}

static bool open_control(struct transfer *transfer, struct err *err)
{
    struct bytes32 operators[CONFIG_ADMINS_MAX];
    transfer->control = control_new(operators, config_admins(transfer->config, operators));
    const struct control_db_setup setup = {.shard = &transfer->shard,
                                           .control = transfer->control,
                                           .on_changed = on_changed,
                                           .owner = transfer};
    transfer->control_db = control_db_new(&transfer->loop, &setup);
    return transfer_await(transfer, is_control_loaded, CONTROL_MS_MAX) ||
           err_set(err, ERR_INTERNAL, "the database does not say what the operators decided");
}

static bool is_trust_ready(const struct transfer *transfer)
{
    return trust_is_ready(transfer->trust);
}

static bool open_trust(struct transfer *transfer, struct err *err)
{
    const struct config *config = transfer->config;
    const struct trust_setup setup = {.store = transfer->store,
                                      .roots = config->trust_roots,
                                      .depth = config->trust_depth,
                                      .keys_max = config->trust_keys_max};
    if (config->trust_roots[0] == '\0')
        return true;
    transfer->trust = trust_new(&transfer->loop, &setup, err);
    return transfer->trust != NULL &&
           (transfer_await(transfer, is_trust_ready, TRUST_MS_MAX) ||
            err_set(err, ERR_INTERNAL, "the database does not say whom trust_roots follow"));
}

bool transfer_open_policy(struct transfer *transfer, struct err *err)
{
    const struct config *config = transfer->config;
    const struct rules_setup rules = config_rules(config);
    const struct plugin_setup plugin = {.command = config->policy_plugin,
                                        .user = config->user,
                                        .timeout_ms = config->policy_plugin_ms_max,
                                        .accepts_on_failure = config->policy_plugin_accepts};
    transfer->rules = rules_new(&rules, err);
    if (transfer->rules == NULL || !open_control(transfer, err) || !open_trust(transfer, err))
        return false;
    if (config->policy_plugin[0] != '\0')
        transfer->plugin = plugin_new(&transfer->loop, &plugin);
    transfer->policy = policy_of_config(config);
    transfer->policy.control = transfer->control;
    transfer->policy.rules = transfer->rules;
    transfer->policy.trust = transfer->trust;
    return true;
}

bool transfer_reload_rules(struct transfer *transfer, struct err *err)
{
    const struct rules_setup setup = config_rules(transfer->config);
    struct rules *rules = rules_new(&setup, err);
    if (rules == NULL)
        return false;
    if (transfer->trust != NULL && !trust_reread(transfer->trust, err)) {
        rules_free(rules);
        return false;
    }
    rules_free(transfer->rules);
    transfer->policy.rules = transfer->rules = rules;
    return true;
}

void transfer_saw(struct transfer *transfer, const struct event *event)
{
    if (transfer->trust != NULL)
        trust_saw(transfer->trust, event);
}

void transfer_close_policy(struct transfer *transfer)
{
    if (transfer->plugin != NULL)
        plugin_free(transfer->plugin);
    if (transfer->trust != NULL)
        trust_free(transfer->trust);
    if (transfer->control_db != NULL)
        control_db_free(transfer->control_db);
    if (transfer->control != NULL)
        control_free(transfer->control);
    if (transfer->rules != NULL)
        rules_free(transfer->rules);
}

/* Who may write and who is trusted, as the configuration and its files of keys say: read once,
 * before the first worker, for all of them. One that is started again has what the others have,
 * whatever has become of the files; they are read anew when all is reloaded. */
#include "relay/config.h"
#include "relay/log.h"
#include "relay/rules.h"
#include "relay/supervisor_state.h"
#include "shared/err.h"

static void add_root(void *owner, const struct bytes32 *key)
{
    text_add_hex(owner, key->at, sizeof *key);
    text_add(owner, SPAN(" "));
}

static bool read_roots(struct text *roots, const struct config *config, struct err *err)
{
    roots->len = 0;
    bool is_good = rules_read_keys(config->trust_roots, add_root, roots, err);
    text_add(roots, (struct span){"", 1});
    return is_good;
}

bool supervisor_read_keys(struct supervisor *supervisor)
{
    const struct rules_setup setup = config_rules(supervisor->config);
    struct err err;
    if (supervisor->rules != NULL)
        return true;
    if (read_roots(&supervisor->roots, supervisor->config, &err))
        supervisor->rules = rules_new(&setup, &err);
    if (supervisor->rules != NULL) {
        if (supervisor->is_without_keys)
            log_info("supervisor", "the keys that the settings name are read");
        supervisor->is_without_keys = false;
        return true;
    }
    if (!supervisor->is_without_keys)
        log_error("supervisor", "no worker can be started until this is mended: %s", err.text);
    supervisor->is_without_keys = true;
    return false;
}

void supervisor_free_keys(struct supervisor *supervisor)
{
    if (supervisor->rules != NULL)
        rules_free(supervisor->rules);
    text_clear(&supervisor->roots);
}

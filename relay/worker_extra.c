#include "relay/worker_extra.h"

#include <assert.h>

#include "relay/config.h"
#include "relay/plugin.h"
#include "relay/rules.h"
#include "relay/searches.h"
#include "relay/trust.h"
#include "relay/worker.h"
#include "shared/err.h"

/* The first process indexes for all; one of all relays on the shard is elected. */
static void open_search(struct worker_extra *extra, uv_loop_t *loop,
                        const struct worker_setup *setup, const struct shards *store)
{
    struct err err;
    static_assert((int)CONFIG_SEARCH_KINDS_MAX == (int)SEARCH_KINDS_MAX, "checked as it is kept");
    bool is_good = kind_set_read(&extra->search_kinds, setup->config->search_kinds, &err);
    assert(is_good); /* config_check has read it */
    const struct searches_setup search = {.shards = store,
                                          .kinds = &extra->search_kinds,
                                          .configuration = setup->config->search_language,
                                          .indexes = setup->number == 0};
    if (setup->config->search)
        extra->search = searches_new(loop, &search);
}

static void open_plugin(struct worker_extra *extra, uv_loop_t *loop, const struct config *config)
{
    const struct plugin_setup plugin = {.command = config->policy_plugin,
                                        .user = config->user,
                                        .timeout_ms = config->policy_plugin_ms_max,
                                        .accepts_on_failure = config->policy_plugin_accepts};
    if (config->policy_plugin[0] != '\0')
        extra->plugin = plugin_new(loop, &plugin);
}

bool worker_extra_open(struct worker_extra *extra, uv_loop_t *loop,
                       const struct worker_setup *setup, struct shards *store, struct err *err)
{
    const struct config *config = setup->config;
    const struct trust_setup trust = {.store = store,
                                      .roots = setup->trust_roots,
                                      .depth = config->trust_depth,
                                      .keys_max = config->trust_keys_max};
    *extra = (struct worker_extra){.rules = setup->rules};
    if (config->trust_roots[0] != '\0' && (extra->trust = trust_new(loop, &trust, err)) == NULL)
        return false;
    open_search(extra, loop, setup, store);
    open_plugin(extra, loop, config);
    return true;
}

void worker_extra_close(struct worker_extra *extra)
{
    if (extra->search != NULL)
        searches_free(extra->search);
    if (extra->trust != NULL)
        trust_free(extra->trust);
    if (extra->plugin != NULL)
        plugin_free(extra->plugin);
    rules_free(extra->rules);
}

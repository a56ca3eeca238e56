/* shoal swarm: the nodes, what of which model each of them runs, and how busy they are. */
#include "client/command_survey.h"
#include "shared/err.h"
#include "shared/text.h"

struct group {
    const struct market_entry *entries; /* of one node */
    size_t count;
};

static uint32_t sum(const struct group *group, size_t offset)
{
    uint32_t total = 0, each;
    for (size_t i = 0; i < group->count; i++) {
        memcpy(&each, (const char *)&group->entries[i] + offset, sizeof each);
        total += group->entries[i].has_pulse ? each : 0;
    }
    return total;
}

static bool is_alive(const struct group *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->entries[i].life == MARKET_HEARD)
            return true;
    return false;
}

static void write_node(struct text *out, const struct group *group)
{
    text_add_hex(out, group->entries->node.at, sizeof group->entries->node.at);
    text_addf(out, "  %s: %u free, %u waiting\n", is_alive(group) ? "alive" : "not heard",
              sum(group, offsetof(struct market_entry, free)),
              sum(group, offsetof(struct market_entry, queue)));
    for (size_t i = 0; i < group->count; i++) {
        const struct offer *offer = &group->entries[i].offer;
        text_addf(out, "    %.*s  layers %u-%u of %u", SPAN_ARG(offer->model), offer->first,
                  offer->end - 1, offer->layers);
        if (offer->gpu.len > 0)
            text_addf(out, " on %.*s", SPAN_ARG(offer->gpu));
        text_add(out, SPAN("\n"));
    }
}

static void write_node_json(struct text *out, const struct group *group)
{
    text_add(out, SPAN("{"));
    home_write_hex(out, "node", &group->entries->node);
    text_addf(out, ",\"alive\":%s,\"free\":%u,\"queue\":%u,\"stages\":[",
              is_alive(group) ? "true" : "false", sum(group, offsetof(struct market_entry, free)),
              sum(group, offsetof(struct market_entry, queue)));
    for (size_t i = 0; i < group->count; i++) {
        const struct offer *offer = &group->entries[i].offer;
        text_add(out, i > 0 ? SPAN(",{\"model\":") : SPAN("{\"model\":"));
        text_add_json(out, offer->model);
        text_add(out, SPAN(","));
        home_write_hex(out, "root", &offer->root);
        text_addf(out, ",\"first\":%u,\"end\":%u,\"all\":%u}", offer->first, offer->end,
                  offer->layers);
    }
    text_add(out, SPAN("]}\n"));
}

/* ---- topology: which models the nodes that are alive have all of, together ---- */

static bool is_first_of_model(const struct survey_list *whole, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (whole->entries[i].offer.layers == whole->entries[index].offer.layers &&
            memcmp(&whole->entries[i].offer.root, &whole->entries[index].offer.root,
                   sizeof(struct bytes32)) == 0)
            return false;
    return true;
}

static uint32_t least(const uint32_t *numbers, uint32_t count, uint32_t *at)
{
    *at = 0;
    for (uint32_t i = 1; i < count; i++)
        if (numbers[i] < numbers[*at])
            *at = i;
    return numbers[*at];
}

static void write_topology(struct text *out, const struct survey_list *whole, bool is_json)
{
    for (size_t i = 0; i < whole->count; i++) {
        const struct offer *offer = &whole->entries[i].offer;
        uint32_t at;
        if (!is_first_of_model(whole, i))
            continue;
        const uint32_t *replicas =
            market_replicas(whole->arena, whole->entries, whole->count, offer);
        uint32_t fewest = least(replicas, offer->layers, &at);
        if (is_json) {
            text_add(out, SPAN("{"));
            home_write_hex(out, "root", &offer->root);
            text_add(out, SPAN(",\"model\":"));
            text_add_json(out, offer->model);
            text_addf(out, ",\"layers\":%u,\"replicas\":%u,\"weakest\":%u}\n", offer->layers,
                      fewest, at);
        } else if (fewest == 0) {
            text_addf(out, "%.*s: incomplete, nobody alive has layer %u of %u\n",
                      SPAN_ARG(offer->model), at, offer->layers);
        } else {
            text_addf(out, "%.*s: complete, each of %u layers at %u or more\n",
                      SPAN_ARG(offer->model), offer->layers, fewest);
        }
    }
}

static void write_all(struct text *out, const struct survey_list *whole, bool is_json)
{
    struct group group = {0};
    for (size_t i = 0; i < whole->count; i += group.count) {
        group = (struct group){&whole->entries[i], 1};
        while (i + group.count < whole->count &&
               memcmp(&whole->entries[i + group.count].node, &whole->entries[i].node,
                      sizeof(struct bytes32)) == 0)
            group.count++;
        (is_json ? write_node_json : write_node)(out, &group);
    }
    write_topology(out, whole, is_json);
    if (whole->count == 0 && !is_json)
        text_add(out, SPAN("no node is there\n"));
}

static enum command_status run_swarm(struct command_call *call)
{
    return survey_list(call, write_all);
}

static const struct command_option options[] = {SURVEY_OPTIONS, COMMAND_OPTION_JSON};

const struct command command_swarm = {
    .name = "swarm",
    .words = "",
    .help = "the nodes at your relays: which layers each runs, how busy it is, what is complete",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run_swarm};

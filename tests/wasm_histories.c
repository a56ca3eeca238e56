/* Random histories of one entity as signed events, written by some devices of its author that hear
 * of each other now and then; and what the core makes of them here. One line of JSON each: root,
 * horizon, events in an order in which they came about, and the state, for tests/wasm.mjs.
 *
 *     wasm_histories COUNT */
#include <stdio.h>
#include <stdlib.h>

#include "client/doc.h"
#include "client/draft.h"
#include "client/entity.h"
#include "client/keys.h"
#include "client/node.h"
#include "client/op.h"
#include "client/prose.h"
#include "client/replica.h"
#include "client/wasm.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/text.h"
#include "tests/random.h"

enum { EVENTS_MAX = 16, DEVICES = 3, OPS_MAX = 3, START_S = 1700000000, HORIZON_MS = 100000 };
#define START_MS (START_S * UINT64_C(1000))

#define LITERAL(text)          \
    {                          \
        text, sizeof(text) - 1 \
    }

static const struct span names[] = {LITERAL("a"), LITERAL("\xc3\xa9"), LITERAL("")};
static const struct span values[] = {LITERAL("0.1"),
                                     LITERAL("1e21"),
                                     LITERAL("-2.5e-7"),
                                     LITERAL("5e-324"),
                                     LITERAL("123456.789"),
                                     LITERAL("0.30000000000000004"),
                                     LITERAL("-9007199254740991"),
                                     LITERAL("\"x\\u0001\\\"\xf0\x9f\x90\x9f\""),
                                     LITERAL("{\"b\":[1,null],\"a\":true}"),
                                     LITERAL("[]")};
static const struct span words[] = {LITERAL("fish "), LITERAL("\xf0\x9f\x90\x9f"), LITERAL("cod")};

struct made {
    struct event event;
    struct text json;
    struct text update; /* of a text event; else empty */
};

struct device {
    struct replica *replica;
    struct doc *doc;
    bool has[EVENTS_MAX];
};

static struct made made[EVENTS_MAX];
static size_t made_count;
static struct device devices[DEVICES];
static struct arena arena;
static struct keys *keys;

static void must(bool ok, const struct err *err)
{
    if (ok)
        return;
    fprintf(stderr, "wasm_histories: %s\n", err->text);
    abort();
}

static void hear(struct device *device, size_t i)
{
    struct err err;
    if (device->has[i])
        return;
    device->has[i] = true;
    if (replica_put(device->replica, &made[i].event, false) != REPLICA_PUT)
        abort();
    if (made[i].update.len > 0)
        must(doc_apply(device->doc, text_span(&made[i].update), DOC_VALID, &err), &err);
}

/* Canonical, as op_write wants it. */
static struct op random_op(void)
{
    static const enum op_type types[] = {OP_SET, OP_SET, OP_SET, OP_DEL, OP_ADD, OP_ADD, OP_INC};
    struct op op = {.type = types[random_below(ARRAY_LEN(types))],
                    .key = names[random_below(2)],
                    .value = values[random_below(ARRAY_LEN(values))],
                    .amount = (int64_t)random_below(20) - 10};
    if (op.type == OP_SET && random_below(8) == 0) {
        op.key = SPAN(OP_DELETED);
        op.value = random_below(2) == 0 ? SPAN("true") : SPAN("false");
    }
    return op;
}

static void draft_ops(struct draft *draft, bool is_root)
{
    uint32_t count = 1 + random_below(OPS_MAX);
    const struct op create = {.type = OP_CREATE, .key = SPAN("note")};
    draft->kind = KIND_OP;
    text_add(&draft->content, SPAN("["));
    if (is_root)
        op_write(&draft->content, &create);
    for (uint32_t i = 0; i < count; i++) {
        struct op op = random_op();
        text_add(&draft->content, is_root || i > 0 ? SPAN(",") : SPAN(""));
        op_write(&draft->content, &op);
    }
    text_add(&draft->content, SPAN("]"));
}

/* A few letters more, and sometimes fewer. */
static void draft_text(struct draft *draft, struct device *device, struct made *next)
{
    struct text before = {0};
    struct err err;
    size_t units = doc_text_units(device->doc, SPAN(REPLICA_TEXT));
    doc_state_vector(device->doc, &before);
    must(doc_text_insert(device->doc, SPAN(REPLICA_TEXT), random_below((uint32_t)units + 1),
                         words[random_below(ARRAY_LEN(words))], &err),
         &err);
    if (units > 4 && random_below(2) == 0)
        must(doc_text_delete(device->doc, SPAN(REPLICA_TEXT), random_below(3), 2, &err), &err);
    must(doc_diff(device->doc, &next->update, text_span(&before), &err), &err);
    prose_draft(draft, &(struct prose_update){.bytes = text_span(&next->update)});
    text_clear(&before);
}

static void write_event(struct device *device, uint64_t now_ms)
{
    struct bytes32 parents[NODE_PARENTS_MAX], aux = {{0}};
    struct made *next = &made[made_count];
    struct draft draft = {0};
    struct node node = {.has_writer = true, .device = (uint64_t)(device - devices)};
    struct err err;
    bool is_root = made_count == 0;
    if (is_root)
        node.hlc = now_ms << 16;
    else
        must(entity_next(replica_entity(device->replica), &node, parents, now_ms, &err), &err);
    node.seq = made_count + 1;
    if (!is_root && random_below(3) == 0)
        draft_text(&draft, device, next);
    else
        draft_ops(&draft, is_root);
    node_draft(&node, &draft);
    draft_finish(&draft, &next->event, &arena);
    draft_clear(&draft);
    aux.at[0] = (uint8_t)random_below(256);
    keys_sign(keys, &next->event, &aux);
    event_write(&next->json, &next->event);
    made_count++;
}

static void open_devices(const struct bytes32 *root)
{
    for (uint64_t i = 0; i < DEVICES; i++) {
        uint64_t client = doc_client(root, keys_pubkey(keys), i);
        devices[i] = (struct device){.replica = replica_new(root, START_MS + HORIZON_MS, client),
                                     .doc = doc_new(client)};
        hear(&devices[i], 0);
    }
}

static void write_history(void)
{
    size_t count = 2 + random_below(EVENTS_MAX - 1);
    struct device first = {0};
    write_event(&first, START_MS);
    open_devices(&made[0].event.id);
    while (made_count < count) {
        size_t at = random_below(DEVICES);
        struct device *device = &devices[at];
        size_t heard = random_below((uint32_t)made_count + 1);
        for (size_t i = 0; i < heard && random_below(3) > 0; i++)
            hear(device, i);
        bool is_ahead = made_count + 1 == count && random_below(4) == 0;
        write_event(device, START_MS + made_count * random_below(50) +
                                (is_ahead ? (uint64_t)2 * HORIZON_MS : 0));
        device->has[made_count - 1] = true;
        if (replica_put(device->replica, &made[made_count - 1].event, false) != REPLICA_PUT)
            abort();
    }
}

static void print_history(void)
{
    struct text out = {0};
    struct replica *all = wasm_open(&made[0].event.id, (double)(START_MS + HORIZON_MS));
    text_add(&out, SPAN("{\"root\":\""));
    text_add_hex(&out, made[0].event.id.at, sizeof made[0].event.id.at);
    text_addf(&out, "\",\"horizon\":%llu,\"events\":[",
              (unsigned long long)(START_MS + HORIZON_MS));
    for (size_t i = 0; i < made_count; i++) {
        text_add(&out, i > 0 ? SPAN(",") : SPAN(""));
        text_add(&out, text_span(&made[i].json));
        if (wasm_put(all, made[i].json.at, made[i].json.len) != (int)REPLICA_PUT)
            abort();
    }
    wasm_state(all);
    printf("%.*s],\"state\":%.*s}\n", SPAN_ARG(text_span(&out)), (int)wasm_written_size(),
           wasm_written());
    wasm_close(all);
    text_clear(&out);
}

static void clear(void)
{
    for (size_t i = 0; i < DEVICES; i++) {
        replica_free(devices[i].replica);
        doc_free(devices[i].doc);
    }
    for (size_t i = 0; i < made_count; i++) {
        text_clear(&made[i].json);
        text_clear(&made[i].update);
    }
    made_count = 0;
    arena_clear(&arena);
}

int main(int argc, char **argv)
{
    const struct bytes32 secret = {.at[31] = 3};
    int64_t count = 0;
    if (argc != 2 || !number_decimal(&count, (struct span){argv[1], strlen(argv[1])}))
        return EXIT_FAILURE;
    keys = keys_new(&secret);
    random_start();
    for (; keys != NULL && count > 0; count--) {
        write_history();
        print_history();
        clear();
    }
    keys_free(keys);
    return EXIT_SUCCESS;
}

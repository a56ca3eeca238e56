#include "client/wasm.h"

#include <stdlib.h>

#include "client/doc.h"
#include "client/entity.h"
#include "client/replica.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"
#include "shared/text.h"

static struct text written;

void *wasm_alloc(size_t size)
{
    void *at = malloc(size);
    if (at == NULL)
        abort();
    return at;
}

void wasm_free(void *at)
{
    free(at);
}

const char *wasm_written(void)
{
    return written.at;
}

size_t wasm_written_size(void)
{
    return written.len;
}

static bool read_event(struct event *event, struct arena *arena, struct span json, struct err *err)
{
    if (!event_parse(event, arena, json, err))
        return false;
    if (!event_check_id(event))
        return err_set(err, ERR_INVALID, "the id is not the event's");
    return sig_verify(&event->sig, &event->id, &event->pubkey) ||
           err_set(err, ERR_INVALID, "the signature is not the author's");
}

static void write_reason(const struct err *err)
{
    written.len = 0;
    text_add(&written, (struct span){err->text, strlen(err->text)});
}

int wasm_verify(const char *json, size_t size)
{
    struct arena arena = {0};
    struct event event;
    struct err err;
    bool ok = read_event(&event, &arena, (struct span){json, size}, &err);
    if (!ok)
        write_reason(&err);
    arena_clear(&arena);
    return ok;
}

struct replica *wasm_open(const struct bytes32 *root, double horizon_ms)
{
    return replica_new(root, (uint64_t)horizon_ms, 0);
}

void wasm_close(struct replica *replica)
{
    replica_free(replica);
}

int wasm_put(struct replica *replica, const char *json, size_t size)
{
    struct arena arena = {0};
    struct event event;
    struct err err;
    int verdict = -1;
    if (read_event(&event, &arena, (struct span){json, size}, &err))
        verdict = (int)replica_put(replica, &event, false);
    else
        write_reason(&err);
    arena_clear(&arena);
    return verdict;
}

void wasm_state(const struct replica *replica)
{
    const struct entity *entity = replica_entity(replica);
    const struct state *state = entity_state(entity);
    struct bytes32 hash = state_hash(state);
    written.len = 0;
    text_add(&written, SPAN("{\"hash\":\""));
    text_add_hex(&written, hash.at, sizeof hash.at);
    text_addf(&written,
              "\",\"applied\":%zu,\"waiting\":%zu,\"state\":", entity_applied_count(entity),
              entity_waiting_count(entity));
    state_write(state, &written, true);
    const struct doc *doc = replica_doc(replica);
    if (doc != NULL) {
        struct text words = {0};
        doc_text(doc, &words, SPAN(REPLICA_TEXT));
        text_add(&written, SPAN(",\"text\":"));
        text_add_json(&written, text_span(&words));
        text_clear(&words);
    }
    text_add(&written, SPAN("}"));
}

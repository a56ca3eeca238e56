#include "client/epoch.h"

#include <assert.h>

#include "client/box.h"
#include "client/draft.h"
#include "client/holder.h"
#include "client/node.h"
#include "client/secret.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/sig.h"

enum { HEX = 2 * sizeof(struct bytes32) };

struct bytes32 epoch_name(const struct bytes32 *circle, const struct bytes32 *key)
{
    struct text text = {0};
    text_reserve(&text, 128); /* at once: growing would leave copies */
    text_add(&text, (struct span){"shoal-epoch", sizeof "shoal-epoch"});
    text_add(&text, SPAN_OF(*circle));
    text_add(&text, SPAN_OF(*key));
    struct bytes32 name = sig_sha256(text_span(&text));
    secret_wipe(text.at, text.capacity);
    text_clear(&text);
    return name;
}

static void wipe(struct text *text)
{
    if (text->at != NULL)
        secret_wipe(text->at, text->capacity);
    text_clear(text);
}

static bool add_person(struct draft *draft, const struct holder *holder,
                       const struct epoch_share *share, uint32_t index, struct err *err)
{
    char person[HEX], key[HEX];
    struct text payload = {0};
    hex_encode(person, share->people[index].at, sizeof share->people->at);
    hex_encode(key, share->key.at, sizeof share->key.at);
    bool ok = holder_seal(holder, &payload, &share->people[index], SPAN_OF(key),
                          &share->nonces[index], err);
    secret_wipe(key, sizeof key);
    if (ok) {
        const struct span items[] = {SPAN("p"), SPAN_OF(person), SPAN(""), text_span(&payload)};
        draft_tag(draft, items, ARRAY_LEN(items));
    }
    text_clear(&payload);
    return ok;
}

static bool add_earlier(struct draft *draft, const struct epoch_share *share, struct err *err)
{
    struct text plain = {0};
    struct bytes32 key;
    text_reserve(&plain, (HEX + 3) * EPOCH_EARLIER_MAX + 2);
    for (uint32_t i = 0; i < share->earlier_count; i++) {
        text_add(&plain, i == 0 ? SPAN("[\"") : SPAN("\",\""));
        text_add_hex(&plain, share->earlier[i].at, sizeof share->earlier->at);
    }
    text_add(&plain, share->earlier_count > 0 ? SPAN("\"]") : SPAN("[]"));
    box_key_of(&key, &share->key);
    bool ok = box_seal(&draft->content, &key, text_span(&plain),
                       &share->nonces[share->people_count], err);
    secret_wipe(&key, sizeof key);
    wipe(&plain);
    return ok;
}

bool epoch_draft(struct draft *draft, const struct holder *holder, const struct epoch_share *share,
                 struct err *err)
{
    struct bytes32 name = epoch_name(&share->circle, &share->key);
    assert(share->people_count <= EPOCH_PEOPLE_MAX && share->earlier_count <= EPOCH_EARLIER_MAX);
    draft->kind = KIND_KEY_EPOCH;
    draft_tag_id(draft, SPAN("h"), &share->circle, SPAN(""));
    draft_tag_id(draft, SPAN("epoch"), &name, SPAN(""));
    for (uint32_t i = 0; i < share->people_count; i++)
        if (!add_person(draft, holder, share, i, err))
            return false;
    return add_earlier(draft, share, err);
}

/* What is sealed for that person; empty when nothing is. */
static struct span payload_for(const struct event *event, const struct bytes32 *person)
{
    char hex[HEX];
    hex_encode(hex, person->at, sizeof person->at);
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (tag->count >= 4 && span_eq(tag->items[0], SPAN("p")) &&
            span_eq(tag->items[1], SPAN_OF(hex)))
            return tag->items[3];
    }
    return SPAN("");
}

static bool is_named(const struct event *event, const struct bytes32 *circle,
                     const struct bytes32 *key)
{
    const struct span *value = event_tag_value(event, SPAN("epoch"));
    struct bytes32 name = epoch_name(circle, key), given;
    return value != NULL && hex_decode(given.at, sizeof given.at, *value) &&
           memcmp(&name, &given, sizeof name) == 0;
}

bool epoch_open(struct bytes32 *key, const struct holder *holder, const struct event *event,
                const struct bytes32 *circle, struct err *err)
{
    struct text plain = {0};
    struct span payload = payload_for(event, holder_pubkey(holder));
    if (payload.len == 0)
        return err_set(err, ERR_INVALID, "a key that is not for us");
    bool ok = holder_open(holder, &plain, &event->pubkey, payload, err);
    if (ok &&
        (!hex_decode(key->at, sizeof key->at, text_span(&plain)) || !is_named(event, circle, key)))
        ok = err_set(err, ERR_INVALID, "a key that is not the one it is said to be");
    wipe(&plain);
    return ok;
}

static size_t read_keys(struct bytes32 *keys, struct arena *arena, struct span json)
{
    struct scan scan = scan_begin(json);
    struct scan_list list;
    size_t count = 0;
    if (!scan_array(&scan, &list, NULL))
        return 0;
    while (list.more && count < EPOCH_EARLIER_MAX) {
        if (!scan_hex(&scan, arena, keys[count].at, sizeof keys->at, NULL) ||
            !scan_next(&scan, &list, NULL))
            return count;
        count++;
    }
    return count;
}

struct bytes32 *epoch_earlier(size_t *count, struct arena *arena, const struct event *event,
                              const struct bytes32 *key)
{
    struct bytes32 *keys = arena_array(arena, struct bytes32, EPOCH_EARLIER_MAX), box;
    struct text plain = {0};
    *count = 0;
    box_key_of(&box, key);
    if (box_open(&plain, &box, scan_decode(arena, (struct scan_string){event->content_json, true}),
                 NULL))
        *count = read_keys(keys, arena, text_span(&plain));
    secret_wipe(&box, sizeof box);
    wipe(&plain);
    return keys;
}

/* ---- what is sealed ---- */

bool epoch_seals(uint16_t kind)
{
    static const uint16_t kinds[] = {KIND_TALK,       KIND_OP,        KIND_TEXT_UPDATE,
                                     KIND_CHECKPOINT, KIND_KNOWLEDGE, KIND_PIECE};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i] == kind)
            return true;
    return false;
}

bool epoch_seal(struct draft *draft, const struct bytes32 *circle, const struct bytes32 *key,
                const struct event *inner, const struct bytes32 *nonce, struct err *err)
{
    struct text json = {0};
    struct bytes32 box, name = epoch_name(circle, key);
    draft->kind = KIND_SEALED_OP;
    draft->created_at = inner->created_at;
    draft_tag_id(draft, SPAN("h"), circle, SPAN(""));
    draft_tag_id(draft, SPAN("epoch"), &name, SPAN(""));
    event_write(&json, inner);
    box_key_of(&box, key);
    bool ok = box_seal(&draft->content, &box, text_span(&json), nonce, err);
    secret_wipe(&box, sizeof box);
    wipe(&json);
    return ok;
}

static bool read_id(struct bytes32 *id, const struct event *event, struct span name)
{
    const struct span *value = event_tag_value(event, name);
    return value != NULL && hex_decode(id->at, sizeof id->at, *value);
}

bool epoch_sealed(struct epoch_sealed *sealed, const struct event *outer, struct err *err)
{
    return (outer->kind == KIND_SEALED_OP && read_id(&sealed->circle, outer, SPAN("h")) &&
            read_id(&sealed->epoch, outer, SPAN("epoch"))) ||
           err_set(err, ERR_INVALID, "sealed for no circle, or in no epoch");
}

/* A change of a circle, or a key, which only its members may see. */
static bool is_secret(const struct event *inner)
{
    return inner->kind == KIND_CIRCLE_OP || inner->kind == KIND_KEY_EPOCH;
}

static bool find_circle(struct bytes32 *circle, const struct event *inner)
{
    struct arena arena = {0};
    struct node node;
    if (!is_secret(inner))
        return read_id(circle, inner, SPAN("h"));
    bool ok = node_parse(&node, &arena, inner, NULL);
    *circle = node.root;
    arena_clear(&arena);
    return ok;
}

static bool check_inner(const struct event *inner, const struct event *outer, struct err *err)
{
    struct epoch_sealed sealed;
    struct bytes32 circle;
    if (is_secret(inner) && !event_is_protected(inner))
        return err_set(err, ERR_INVALID, "a secret change that does not say that it is one");
    if (!is_secret(inner) && !epoch_seals(inner->kind))
        return err_set(err, ERR_UNSUPPORTED, "a sealed event of kind %u", inner->kind);
    if (!epoch_sealed(&sealed, outer, err))
        return false;
    if (!find_circle(&circle, inner) || memcmp(&circle, &sealed.circle, sizeof circle) != 0)
        return err_set(err, ERR_INVALID, "sealed for another circle than it is of");
    if (!event_check_id(inner) || !sig_verify(&inner->sig, &inner->id, &inner->pubkey))
        return err_set(err, ERR_INVALID, "a sealed event whose id or signature is wrong");
    return true;
}

bool epoch_unseal(struct event *inner, struct arena *arena, const struct bytes32 *key,
                  const struct event *outer, struct err *err)
{
    struct text plain = {0};
    struct bytes32 box;
    box_key_of(&box, key);
    bool ok = box_open(&plain, &box,
                       scan_decode(arena, (struct scan_string){outer->content_json, true}), err) &&
              event_parse(inner, arena, arena_copy(arena, text_span(&plain)), err) &&
              check_inner(inner, outer, err);
    secret_wipe(&box, sizeof box);
    text_clear(&plain);
    return ok;
}

#include "client/direct.h"

#include <stdlib.h>

#include "client/draft.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/sig.h"

void direct_rumor(const struct direct *direct, struct event *rumor, struct arena *arena)
{
    struct draft draft = {.kind = KIND_CHAT, .created_at = direct->created_at};
    for (uint32_t i = 0; i < direct->people_count; i++)
        draft_tag_id(&draft, SPAN("p"), &direct->people[i], SPAN(""));
    if (direct->has_reply)
        draft_tag_id(&draft, SPAN("e"), &direct->reply_to, SPAN(""));
    if (direct->subject.len > 0)
        draft_tag_pair(&draft, SPAN("subject"), direct->subject);
    text_add(&draft.content, direct->text);
    draft_finish(&draft, rumor, arena);
    rumor->pubkey = direct->author;
    rumor->id = event_hash(rumor, EVENT_FORM_JSON);
    draft_clear(&draft);
}

static bool is_equal(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* Adds a person unless the author, or already there. */
static bool add_person(struct direct *direct, struct bytes32 *people, struct span hex,
                       struct err *err)
{
    struct bytes32 person;
    if (!hex_decode(person.at, sizeof person.at, hex))
        return err_set(err, ERR_INVALID, "a message to somebody who has no key");
    if (is_equal(&person, &direct->author))
        return true;
    for (uint32_t i = 0; i < direct->people_count; i++)
        if (is_equal(&person, &people[i]))
            return true;
    if (direct->people_count == DIRECT_PEOPLE_MAX)
        return err_set(err, ERR_INVALID, "a message to more than %d people", DIRECT_PEOPLE_MAX);
    people[direct->people_count++] = person;
    return true;
}

static bool read_tag(struct direct *direct, struct bytes32 *people, const struct tag *tag,
                     struct err *err)
{
    if (tag->count < 2)
        return true;
    if (span_eq(tag->items[0], SPAN("p")))
        return add_person(direct, people, tag->items[1], err);
    if (span_eq(tag->items[0], SPAN("subject")))
        direct->subject = tag->items[1];
    if (span_eq(tag->items[0], SPAN("e")))
        direct->has_reply =
            hex_decode(direct->reply_to.at, sizeof direct->reply_to.at, tag->items[1]);
    return true;
}

bool direct_parse(struct direct *direct, struct arena *arena, const struct event *rumor,
                  struct err *err)
{
    struct bytes32 *people = arena_array(arena, struct bytes32, DIRECT_PEOPLE_MAX);
    *direct =
        (struct direct){.author = rumor->pubkey, .created_at = rumor->created_at, .people = people};
    if (rumor->kind != KIND_CHAT)
        return err_set(err, ERR_UNSUPPORTED, "kind %u is no message", rumor->kind);
    for (uint32_t i = 0; i < rumor->tag_count; i++)
        if (!read_tag(direct, people, &rumor->tags[i], err))
            return false;
    direct->text = scan_decode(arena, (struct scan_string){rumor->content_json, true});
    return true;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct bytes32));
}

struct bytes32 direct_conversation(const struct direct *direct)
{
    struct bytes32 all[DIRECT_PEOPLE_MAX + 1] = {direct->author};
    size_t count = direct->people_count;
    if (count > 0)
        memcpy(all + 1, direct->people, count * sizeof *all);
    qsort(all, count + 1, sizeof *all, compare);
    return sig_sha256((struct span){(const char *)all, (count + 1) * sizeof *all});
}

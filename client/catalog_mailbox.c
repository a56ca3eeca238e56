#include "client/catalog_mailbox.h"

#include "client/catalog.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/kind.h"

struct lists {
    struct arena *arena;
    struct catalog_mailboxes *known;
};

/* The newest of each author comes first. */
static bool add_list(void *owner, const struct catalog_event *found)
{
    const struct lists *lists = owner;
    struct catalog_mailboxes *known = lists->known;
    struct event event;
    for (size_t i = 0; i < known->count; i++)
        if (memcmp(&known->at[i].owner, &found->author, sizeof found->author) == 0)
            return true;
    if (!event_parse(&event, lists->arena, arena_copy(lists->arena, found->json), NULL))
        return true;
    known->at = arena_grow(lists->arena, struct mailbox, known->at, known->count);
    mailbox_read(&known->at[known->count++], &event);
    return true;
}

bool catalog_mailboxes(struct store *store, struct catalog_mailboxes *known, struct arena *arena,
                       const struct bytes32 *people, size_t count, struct err *err)
{
    static const uint16_t kind = KIND_RELAY_LIST;
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .kinds = {.count = 1, .at = &kind},
                                  .authors = {.count = (uint32_t)count, .at = people}};
    struct lists lists = {.arena = arena, .known = known};
    *known = (struct catalog_mailboxes){0};
    return count == 0 || catalog_each(store, &filter, add_list, &lists, err);
}

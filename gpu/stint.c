#include "gpu/stint.h"

#include <stdlib.h>

static bool is_same(const struct stint *a, const struct stint *b)
{
    return a->begin == b->begin && a->end == b->end &&
           memcmp(&a->node, &b->node, sizeof a->node) == 0 &&
           memcmp(&a->offer, &b->offer, sizeof a->offer) == 0;
}

void stint_add(struct stint_list *list, const struct stint *stint)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (is_same(list->at + i, stint)) {
            uint32_t room = UINT32_MAX - list->at[i].rows;
            list->at[i].rows += stint->rows < room ? stint->rows : room;
            return;
        }
    if (list->count == STINTS_MAX)
        return;
    list->at = reallocarray(list->at, list->count + 1, sizeof *list->at);
    if (list->at == NULL)
        abort();
    list->at[list->count++] = *stint;
}

void stint_add_all(struct stint_list *list, const struct stint_list *more)
{
    for (uint32_t i = 0; i < more->count; i++)
        stint_add(list, more->at + i);
}

void stint_clear(struct stint_list *list)
{
    free(list->at);
    *list = (struct stint_list){0};
}

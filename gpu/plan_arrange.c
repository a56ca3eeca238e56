/* What each of those who choose had best hold. */
#include <assert.h>
#include <stdlib.h>

#include "gpu/plan_parts.h"

static void settle(struct plan *plan, struct plan_member *member, uint32_t first, uint32_t end)
{
    member->first = first;
    member->end = end;
    plan_hold(plan->after, plan->layers, first, end, member->capacity);
}

/* Where it adds most: as many layers as it has room for, where they are had least; where it is, if
 * that is as good. */
static void add_where_least(struct plan *plan, struct plan_member *member)
{
    uint32_t best = 0, width = member->room;
    float most = -1;
    for (uint32_t first = 0; first + width <= plan->layers; first++) {
        float want = 0;
        for (uint32_t i = first; i < first + width; i++)
            want +=
                plan->after[i].holders == 0 ? (float)plan->layers : 1 / (1 + plan->after[i].times);
        bool is_here = first == member->old_first && first + width == member->old_end;
        if (want > most + 1e-4F || (is_here && want > most - 1e-4F)) {
            most = want > most ? want : most;
            best = first;
        }
    }
    settle(plan, member, best, best + width);
}

/* One copy of all layers, by those of the parts that are the given one of so many: each layer to
 * who then has the least to do of those with room. False when they have not enough. */
static bool share(const struct plan *plan, struct plan_member **part, uint32_t count)
{
    uint32_t *widths = plan_array(count, sizeof *widths);
    uint32_t given = 0;
    for (uint32_t i = 0; i < count && given < plan->layers; i++, given++)
        widths[i] = 1;
    bool ok = count <= plan->layers;
    while (ok && given < plan->layers) {
        uint32_t best = count;
        for (uint32_t i = 0; i < count; i++)
            if (widths[i] < part[i]->room &&
                (best == count || (uint64_t)(widths[i] + 1) * part[best]->capacity <
                                      (uint64_t)(widths[best] + 1) * part[i]->capacity))
                best = i;
        ok = best < count;
        if (ok)
            widths[best]++;
        given++;
    }
    for (uint32_t i = 0, first = 0; ok && i < count; first += widths[i++]) {
        part[i]->first = first;
        part[i]->end = first + widths[i];
    }
    free(widths);
    return ok;
}

/* Those who cannot hold all, in so many copies: every so-manyth of them is of the same one. */
static bool share_copies(const struct plan *plan, struct plan_member **parts, uint32_t count,
                         uint32_t copies)
{
    struct plan_member **one = plan_array(count, sizeof(void *));
    bool ok = true;
    for (uint32_t copy = 0; copy < copies && ok; copy++) {
        uint64_t room = 0;
        for (uint32_t i = copy; i < count; i += copies)
            room += parts[i]->room;
        ok = room >= plan->layers && (count - copy + copies - 1) / copies <= plan->layers;
    }
    for (uint32_t copy = 0; copy < copies && ok; copy++) {
        uint32_t members = 0;
        for (uint32_t i = copy; i < count; i += copies)
            one[members++] = parts[i];
        ok = share(plan, one, members);
        assert(ok);
    }
    free(one);
    return ok;
}

/* ---- who takes which place ---- */

struct place {
    uint32_t first, end;
    bool is_taken;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    uint32_t a_width = a->end - a->first, b_width = b->end - b->first;
    if (a->is_taken != b->is_taken)
        return a->is_taken ? 1 : -1;
    if (a_width != b_width)
        return a_width > b_width ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

/* Most room first, then by what they hold. */
static int compare_rooms(const void *left, const void *right)
{
    const struct plan_member *a = *(struct plan_member *const *)left;
    const struct plan_member *b = *(struct plan_member *const *)right;
    bool a_holds = a->old_first < a->old_end, b_holds = b->old_first < b->old_end;
    if (a->room != b->room)
        return a->room > b->room ? -1 : 1;
    if (a_holds != b_holds)
        return a_holds ? -1 : 1;
    if (a->old_first != b->old_first)
        return a->old_first < b->old_first ? -1 : 1;
    return plan_compare_keys(a, b);
}

/* Who is at one of the places already. */
static struct place *place_of(struct place *places, uint32_t count,
                              const struct plan_member *member)
{
    for (uint32_t i = 0; i < count; i++)
        if (!places[i].is_taken && places[i].first == member->old_first &&
            places[i].end == member->old_end)
            return &places[i];
    return NULL;
}

/* The places that were worked out stay, and with them whoever is at one; the others get those that
 * are left, the most room the widest. Where that cannot be, each takes the place made for it. So
 * one that has moved changes nothing for those that are still to move. */
static void swap_places(struct plan_member **parts, uint32_t count)
{
    struct place *places = plan_array(count, sizeof *places);
    struct plan_member **left = plan_array(count, sizeof(void *));
    uint32_t left_count = 0;
    bool fits = true;
    for (uint32_t i = 0; i < count; i++)
        places[i] = (struct place){parts[i]->first, parts[i]->end, false};
    for (uint32_t i = 0; i < count; i++) {
        struct place *own = place_of(places, count, parts[i]);
        if (own != NULL)
            own->is_taken = true;
        else
            left[left_count++] = parts[i];
    }
    qsort(places, count, sizeof *places, compare_places);
    qsort(left, left_count, sizeof(void *), compare_rooms);
    for (uint32_t i = 0; i < left_count; i++)
        fits = fits && places[i].end - places[i].first <= left[i]->room;
    for (uint32_t i = 0; i < count && fits; i++) {
        parts[i]->first = parts[i]->old_first;
        parts[i]->end = parts[i]->old_end;
    }
    for (uint32_t i = 0; i < left_count && fits; i++) {
        left[i]->first = places[i].first;
        left[i]->end = places[i].end;
    }
    free(left);
    free(places);
}

void plan_arrange(struct plan *plan)
{
    struct plan_member **parts = plan_array(plan->count, sizeof(void *));
    uint32_t count = 0;
    uint64_t room = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        struct plan_member *member = &plan->members[i];
        if (member->room == plan->layers) {
            settle(plan, member, 0, plan->layers);
        } else {
            parts[count++] = member;
            room += member->room;
        }
    }
    uint64_t copies = room / plan->layers;
    while (copies > 0 && !share_copies(plan, parts, count, (uint32_t)copies))
        copies--;
    if (copies > 0)
        swap_places(parts, count);
    for (uint32_t i = 0; i < count && copies > 0; i++)
        settle(plan, parts[i], parts[i]->first, parts[i]->end);
    for (uint32_t i = 0; i < count && copies == 0; i++)
        if (parts[i]->old_first < parts[i]->old_end)
            add_where_least(plan, parts[i]);
    for (uint32_t i = 0; i < count && copies == 0; i++)
        if (parts[i]->old_first == parts[i]->old_end)
            add_where_least(plan, parts[i]);
    free(parts);
}

#include "gpu/paging.h"

#include <assert.h>
#include <stdlib.h>

#include "gpu/exec.h"
#include "shared/err.h"

enum { SESSIONS_MIN = 8, PAGES_MIN = 4 };

static void *array_of(void *array, size_t count, size_t size)
{
    void *grown = reallocarray(array, count, size);
    if (grown == NULL)
        abort();
    return grown;
}

void paging_open(struct paging *paging, uint32_t pages, uint32_t sessions_max)
{
    *paging = (struct paging){.pages = pages, .free_count = pages, .sessions_max = sessions_max};
    paging->free = array_of(NULL, (size_t)pages + 1, sizeof *paging->free);
    for (uint32_t i = 0; i < pages; i++)
        paging->free[i] = pages - 1 - i;
    paging->uses = array_of(NULL, (size_t)pages + 1, sizeof *paging->uses);
    memset(paging->uses, 0, pages * sizeof *paging->uses);
}

void paging_clear(struct paging *paging)
{
    for (uint32_t i = 0; i < paging->session_count; i++)
        free(paging->sessions[i].pages);
    free(paging->sessions);
    free(paging->free);
    free(paging->uses);
    *paging = (struct paging){0};
}

/* Where the id is, or would be. */
static uint32_t place_of(const struct paging *paging, uint64_t id)
{
    uint32_t begin = 0;
    uint32_t end = paging->session_count;
    while (begin < end) {
        uint32_t middle = begin + (end - begin) / 2;
        if (paging->sessions[middle].id < id)
            begin = middle + 1;
        else
            end = middle;
    }
    return begin;
}

struct paging_session *paging_find(const struct paging *paging, uint64_t id)
{
    uint32_t place = place_of(paging, id);
    bool is_there = place < paging->session_count && paging->sessions[place].id == id;
    return is_there ? paging->sessions + place : NULL;
}

bool paging_add(struct paging *paging, uint64_t id, uint32_t length_max, struct err *err)
{
    uint32_t place = place_of(paging, id);
    if (paging_find(paging, id) != NULL)
        return err_set(err, ERR_DUPLICATE, "session %llu is open", (unsigned long long)id);
    if (paging->session_count == paging->sessions_max)
        return err_set(err, ERR_RATE_LIMITED, "all %u sessions are taken", paging->sessions_max);
    if (paging->session_count == paging->session_capacity) {
        uint32_t capacity = paging->session_capacity * 2;
        paging->session_capacity = capacity < SESSIONS_MIN ? SESSIONS_MIN : capacity;
        paging->sessions =
            array_of(paging->sessions, paging->session_capacity, sizeof *paging->sessions);
    }
    struct paging_session *session = paging->sessions + place;
    memmove(session + 1, session, (paging->session_count - place) * sizeof *session);
    *session = (struct paging_session){.id = id, .length_max = length_max};
    paging->session_count++;
    return true;
}

static void drop(struct paging *paging, uint32_t page)
{
    if (--paging->uses[page] == 0)
        paging->free[paging->free_count++] = page;
}

static void give_back(struct paging *paging, struct paging_session *session, uint32_t keep)
{
    while (session->page_count > keep)
        if (session->page_count-- > session->gone)
            drop(paging, session->pages[session->page_count]);
    if (session->gone > session->page_count)
        session->gone = session->page_count;
}

/* Gives back what lies wholly behind all that the session may still look at. */
static void release(struct paging *paging, struct paging_session *session)
{
    uint32_t kept = paging->window + paging->slack;
    if (paging->window == 0 || session->length <= kept)
        return;
    uint32_t behind = (session->length - kept) / EXEC_PAGE;
    while (session->gone < behind)
        drop(paging, session->pages[session->gone++]);
}

void paging_remove(struct paging *paging, uint64_t id)
{
    struct paging_session *session = paging_find(paging, id);
    if (session == NULL)
        return;
    give_back(paging, session, 0);
    free(session->pages);
    paging->session_count--;
    uint32_t place = (uint32_t)(session - paging->sessions);
    memmove(session, session + 1, (paging->session_count - place) * sizeof *session);
}

static void make_room(struct paging_session *session, uint32_t pages)
{
    if (pages <= session->page_capacity)
        return;
    uint32_t capacity = session->page_capacity * 2;
    capacity = capacity < pages ? pages : capacity;
    session->page_capacity = capacity < PAGES_MIN ? PAGES_MIN : capacity;
    session->pages = array_of(session->pages, session->page_capacity, sizeof *session->pages);
}

bool paging_reaches(const struct paging *paging, const struct paging_session *session,
                    uint32_t position)
{
    if (session->gone == 0 || position == 0)
        return true;
    return position + 1 >= session->gone * EXEC_PAGE + paging->window;
}

bool paging_write(struct paging *paging, struct paging_session *session, uint32_t position,
                  uint32_t count, struct paging_copy *copy)
{
    uint32_t whole = position / EXEC_PAGE;
    uint32_t want = (position + count + EXEC_PAGE - 1) / EXEC_PAGE;
    assert(position <= session->length && count <= session->length_max - position);
    if (!paging_reaches(paging, session, position))
        return false;
    bool is_begun = position % EXEC_PAGE != 0;
    bool is_shared = is_begun && paging->uses[session->pages[whole]] > 1;
    uint32_t stay = whole + (is_begun && !is_shared);
    uint32_t freed = 0;
    for (uint32_t i = stay > session->gone ? stay : session->gone; i < session->page_count; i++)
        freed += paging->uses[session->pages[i]] == 1;
    if (want > stay && want - stay > paging->free_count + freed)
        return false;
    *copy = (struct paging_copy){.is_wanted = is_shared};
    if (is_shared)
        copy->from = session->pages[whole];
    give_back(paging, session, stay);
    make_room(session, want);
    while (session->page_count < want) {
        uint32_t page = paging->free[--paging->free_count];
        paging->uses[page] = 1;
        session->pages[session->page_count++] = page;
    }
    if (is_shared)
        copy->to = session->pages[whole];
    session->length = position + count;
    release(paging, session);
    return true;
}

void paging_cut(struct paging *paging, struct paging_session *session, uint32_t length)
{
    if (length >= session->length)
        return;
    give_back(paging, session, (length + EXEC_PAGE - 1) / EXEC_PAGE);
    session->length = length;
}

bool paging_fork(struct paging *paging, uint64_t from, uint64_t id, uint32_t length,
                 uint32_t length_max, struct err *err)
{
    const struct paging_session *source = paging_find(paging, from);
    if (source == NULL || length > source->length || length > length_max ||
        !paging_reaches(paging, source, length))
        return err_set(err, ERR_INVALID, "session %llu has not the %u positions to fork",
                       (unsigned long long)from, length);
    if (!paging_add(paging, id, length_max, err))
        return false;
    source = paging_find(paging, from); /* which may have moved */
    struct paging_session *session = paging_find(paging, id);
    uint32_t pages = (length + EXEC_PAGE - 1) / EXEC_PAGE;
    make_room(session, pages);
    session->length = length;
    session->page_count = pages;
    session->gone = source->gone < pages ? source->gone : pages;
    for (uint32_t i = 0; i < pages; i++) {
        session->pages[i] = source->pages[i];
        if (i >= session->gone)
            paging->uses[session->pages[i]]++;
    }
    return true;
}

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
}

void paging_clear(struct paging *paging)
{
    for (uint32_t i = 0; i < paging->session_count; i++)
        free(paging->sessions[i].pages);
    free(paging->sessions);
    free(paging->free);
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

static void give_back(struct paging *paging, struct paging_session *session, uint32_t keep)
{
    while (session->page_count > keep)
        paging->free[paging->free_count++] = session->pages[--session->page_count];
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

bool paging_resize(struct paging *paging, struct paging_session *session, uint32_t length)
{
    uint32_t want = length / EXEC_PAGE + (length % EXEC_PAGE != 0);
    assert(length <= session->length_max);
    if (want > session->page_count && want - session->page_count > paging->free_count)
        return false;
    if (want > session->page_capacity) {
        uint32_t capacity = session->page_capacity * 2;
        capacity = capacity < want ? want : capacity;
        session->page_capacity = capacity < PAGES_MIN ? PAGES_MIN : capacity;
        session->pages = array_of(session->pages, session->page_capacity, sizeof *session->pages);
    }
    give_back(paging, session, want);
    while (session->page_count < want)
        session->pages[session->page_count++] = paging->free[--paging->free_count];
    session->length = length;
    return true;
}

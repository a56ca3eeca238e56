/* Pages belong to one session at a time, and what is refused changes nothing. */
#include "gpu/paging.h"

#include "gpu/exec.h"
#include "shared/err.h"
#include "tests/random.h"
#include "tests/test.h"

enum { PAGES = 9, SESSIONS = 5 };

static void test_sessions(void **state)
{
    struct paging paging;
    struct err err;
    (void)state;
    paging_open(&paging, PAGES, SESSIONS);
    for (uint64_t id = SESSIONS; id > 0; id--)
        assert_true(paging_add(&paging, id * 7, 100, &err));
    assert_false(paging_add(&paging, 7, 100, &err));
    assert_int_equal(err.code, ERR_DUPLICATE);
    assert_false(paging_add(&paging, 1, 100, &err));
    assert_int_equal(err.code, ERR_RATE_LIMITED);
    paging_remove(&paging, 21);
    paging_remove(&paging, 21);
    assert_null(paging_find(&paging, 21));
    assert_int_equal(paging_find(&paging, 28)->id, 28);
    assert_true(paging_add(&paging, UINT64_MAX, 100, &err));
    assert_non_null(paging_find(&paging, UINT64_MAX));
    paging_clear(&paging);
}

/* What each session has, and what is free, by counting. */
static void check_uses(const struct paging *paging)
{
    uint32_t uses[PAGES] = {0};
    uint32_t unused = 0;
    for (uint32_t i = 0; i < paging->session_count; i++) {
        const struct paging_session *session = paging->sessions + i;
        assert_int_equal(session->page_count, (session->length + EXEC_PAGE - 1) / EXEC_PAGE);
        assert_true(session->gone <= session->page_count);
        for (uint32_t j = session->gone; j < session->page_count; j++)
            uses[session->pages[j]]++;
    }
    for (uint32_t i = 0; i < PAGES; i++) {
        assert_int_equal(uses[i], paging->uses[i]);
        unused += uses[i] == 0;
    }
    assert_int_equal(unused, paging->free_count);
    for (uint32_t i = 0; i < paging->free_count; i++)
        assert_int_equal(uses[paging->free[i]]++, 0);
}

/* The contents of pages, as a device has them: who wrote each position, and when. */
static uint32_t contents[PAGES][EXEC_PAGE];
static uint32_t texts[SESSIONS][PAGES * EXEC_PAGE + 1]; /* what a session should find */
static uint32_t writes;

static uint32_t first_seen(const struct paging *paging, const struct paging_session *session)
{
    uint32_t window = paging->window;
    return window == 0 || session->length < window ? 0 : session->length + 1 - window;
}

static void check_contents(const struct paging *paging)
{
    for (uint64_t id = 0; id < SESSIONS; id++) {
        const struct paging_session *session = paging_find(paging, id);
        for (uint32_t at = first_seen(paging, session); at < session->length; at++)
            assert_int_equal(contents[session->pages[at / EXEC_PAGE]][at % EXEC_PAGE],
                             texts[id][at]);
    }
}

static bool write_some(struct paging *paging, uint64_t id)
{
    struct paging_session *session = paging_find(paging, id);
    struct paging_session before = *session;
    struct paging_copy copy;
    uint32_t position = random_below(3) == 0 ? random_below(session->length + 1) : session->length;
    uint32_t count = 1 + random_below(random_below(2) == 0 ? 3 : 40);
    if (count > session->length_max - position)
        count = session->length_max - position;
    if (count > paging->slack && paging->window > 0)
        count = paging->slack;
    if (!paging_write(paging, session, position, count, &copy)) {
        assert_int_equal(session->length, before.length);
        assert_int_equal(session->page_count, before.page_count);
        return false;
    }
    assert_int_equal(session->length, position + count);
    assert_true(paging_reaches(paging, session, position)); /* to be written once more */
    if (copy.is_wanted)
        memcpy(contents[copy.to], contents[copy.from], sizeof *contents);
    for (uint32_t at = position; at < position + count; at++) {
        uint32_t page = session->pages[at / EXEC_PAGE];
        assert_int_equal(paging->uses[page], 1);
        texts[id][at] = contents[page][at % EXEC_PAGE] = ++writes;
    }
    return true;
}

static bool fork_some(struct paging *paging, uint64_t from, uint64_t id)
{
    const struct paging_session *source = paging_find(paging, from);
    uint32_t length = random_below(source->length + 2);
    bool is_good = length <= source->length && paging_reaches(paging, source, length);
    uint32_t free_count = paging->free_count;
    struct err err;
    paging_remove(paging, id);
    free_count = paging->free_count;
    bool ok = paging_fork(paging, from, id, length, PAGES * EXEC_PAGE + 1, &err);
    assert_int_equal(ok, is_good);
    assert_int_equal(free_count, paging->free_count);
    memcpy(texts[id], texts[from], sizeof *texts);
    if (!ok)
        assert_true(paging_add(paging, id, PAGES * EXEC_PAGE + 1, NULL));
    return ok;
}

static void run_any(uint32_t window)
{
    struct paging paging;
    uint32_t refused = 0;
    uint32_t forked = 0;
    paging_open(&paging, PAGES, SESSIONS);
    paging.window = window;
    paging.slack = 20;
    for (uint64_t id = 0; id < SESSIONS; id++)
        assert_true(paging_add(&paging, id, PAGES * EXEC_PAGE + 1, NULL));
    for (uint32_t i = 0; i < 4000; i++) {
        uint64_t id = random_below(SESSIONS);
        uint64_t other = (id + 1 + random_below(SESSIONS - 1)) % SESSIONS;
        struct paging_session *session = paging_find(&paging, id);
        uint32_t back = random_below(session->length + 1);
        switch (random_below(8)) {
        case 0:
            forked += fork_some(&paging, other, id);
            break;
        case 1:
            if (paging_reaches(&paging, session, back))
                paging_cut(&paging, session, back);
            break;
        case 2:
            paging_remove(&paging, id);
            assert_true(paging_add(&paging, id, PAGES * EXEC_PAGE + 1, NULL));
            break;
        default:
            refused += !write_some(&paging, id);
        }
        check_uses(&paging);
        check_contents(&paging);
    }
    assert_true(refused > 50);
    assert_true(forked > 50);
    paging_clear(&paging);
}

static void test_pages(void **state)
{
    (void)state;
    run_any(0);
}

static void test_window(void **state)
{
    (void)state;
    run_any(1);
    run_any(9);
    run_any(40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sessions),
                                       cmocka_unit_test(test_pages), cmocka_unit_test(test_window)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static uint32_t count_pages(const struct paging *paging, bool *is_taken)
{
    uint32_t count = paging->free_count;
    for (uint32_t i = 0; i < paging->free_count; i++)
        is_taken[paging->free[i]] = true;
    for (uint32_t i = 0; i < paging->session_count; i++) {
        const struct paging_session *session = paging->sessions + i;
        count += session->page_count;
        assert_int_equal(session->page_count, (session->length + EXEC_PAGE - 1) / EXEC_PAGE);
        for (uint32_t j = 0; j < session->page_count; j++)
            is_taken[session->pages[j]] = true;
    }
    return count;
}

static void test_pages(void **state)
{
    struct paging paging;
    uint32_t refused = 0;
    (void)state;
    paging_open(&paging, PAGES, SESSIONS);
    for (uint64_t id = 0; id < SESSIONS; id++)
        assert_true(paging_add(&paging, id, PAGES * EXEC_PAGE + 1, NULL));
    for (uint32_t i = 0; i < 2000; i++) {
        bool is_taken[PAGES] = {0};
        uint64_t id = random_below(SESSIONS);
        struct paging_session before = *paging_find(&paging, id);
        uint32_t length = random_below(i % 2 == 0 ? PAGES * EXEC_PAGE + 2 : 40);
        uint32_t want = (length + EXEC_PAGE - 1) / EXEC_PAGE;
        bool fits = want <= before.page_count + paging.free_count;
        assert_int_equal(paging_resize(&paging, paging_find(&paging, id), length), fits);
        assert_int_equal(paging_find(&paging, id)->length, fits ? length : before.length);
        refused += !fits;
        assert_int_equal(count_pages(&paging, is_taken), PAGES);
        for (size_t j = 0; j < PAGES; j++)
            assert_true(is_taken[j]);
        if (i % 50 == 49) {
            paging_remove(&paging, id);
            assert_true(paging_add(&paging, id, PAGES * EXEC_PAGE + 1, NULL));
        }
    }
    assert_true(refused > 50);
    paging_clear(&paging);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sessions),
                                       cmocka_unit_test(test_pages)};
    random_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "client/basket.h"

#include <stdlib.h>

#include "client/store.h"

enum { MOMENT_MS = 50, WRITES_MAX = 1000 };

struct basket {
    struct store *store;
    uv_timer_t moment;
    bool is_open, is_spoilt;
    uint32_t writes;
    struct err err; /* of what spoilt it */
};

static bool commit(struct basket *basket)
{
    if (!basket->is_open || basket->is_spoilt)
        return !basket->is_spoilt;
    basket->is_open = false;
    uv_timer_stop(&basket->moment);
    if (store_commit(basket->store, &basket->err))
        return true;
    basket->is_spoilt = true;
    return false;
}

static void on_moment(uv_timer_t *timer)
{
    (void)commit(timer->data); /* the next call is told */
}

struct basket *basket_new(uv_loop_t *loop, struct store *store)
{
    struct basket *basket = calloc(1, sizeof *basket);
    if (basket == NULL)
        abort();
    basket->store = store;
    uv_timer_init(loop, &basket->moment);
    basket->moment.data = basket;
    return basket;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

bool basket_free(struct basket *basket, struct err *err)
{
    bool ok = basket_flush(basket, err);
    uv_close((uv_handle_t *)&basket->moment, on_closed);
    return ok;
}

bool basket_open(struct basket *basket, struct err *err)
{
    if (basket->writes == WRITES_MAX && !commit(basket)) {
        *err = basket->err;
        return false;
    }
    if (!basket->is_spoilt && !basket->is_open) {
        basket->writes = 0;
        basket->is_open = store_begin(basket->store, &basket->err);
        basket->is_spoilt = !basket->is_open;
        uv_timer_start(&basket->moment, on_moment, MOMENT_MS, 0);
    }
    basket->writes++;
    if (basket->is_spoilt)
        *err = basket->err;
    return !basket->is_spoilt;
}

bool basket_flush(struct basket *basket, struct err *err)
{
    bool ok = commit(basket);
    if (!ok)
        *err = basket->err;
    return ok;
}

void basket_spoil(struct basket *basket, const struct err *err)
{
    if (basket->is_open)
        store_rollback(basket->store);
    basket->is_open = false;
    basket->is_spoilt = true;
    basket->err = *err;
}

/* basket.h - what relays said, on its way into the store: many writes in one transaction, which is
 * committed a moment later.
 *
 * A crash loses what was not committed, together with the note that it had come: it is fetched
 * again.
 *
 *   ownership  loop and store outlive it
 *   threads    loop thread only
 *   errors     what fails is told at once, or by the next call; nothing is kept after that
 */
#pragma once

#include <uv.h>

#include "shared/base.h"
#include "shared/err.h"

struct basket;
struct store;

struct basket *basket_new(uv_loop_t *loop, struct store *store);

/* Memory goes when the last handle has closed. False: the last writes are lost. */
MUST_CHECK bool basket_free(struct basket *basket, struct err *err);

/* To be called before anything is written: by the store's functions, now. False when that is not
 * possible, or an earlier write was lost. */
MUST_CHECK bool basket_open(struct basket *basket, struct err *err);

/* Commits now. */
MUST_CHECK bool basket_flush(struct basket *basket, struct err *err);

/* A write failed: what is in it is rolled back. */
void basket_spoil(struct basket *basket, const struct err *err);

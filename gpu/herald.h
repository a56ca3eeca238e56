/* herald.h - wallets that are told of what becomes of quotes and proofs, over websockets.
 *
 * A subscription is for things of one kind: proof_state, by Y; grant_mint_quote, compute_melt_quote
 * and so on, by id. What each is at first is told at once, and then whatever it becomes. Changes of
 * quotes are heard of wherever they are made; of proofs, where a quote changes or this process
 * spends.
 *
 *   ownership  httpd and the mint outlive it; herald_close lets go of httpd at once, memory goes
 *              when the loop has run on
 *   threads    loop thread only; looks are taken on others
 *   errors     those of bell_open
 *   spec       Cashu NUT-17
 */
#pragma once

#include "client/httpd.h"

struct database;
struct err;
struct herald;
struct mint;

enum {
    HERALD_SOCKETS_MAX = 256,
    HERALD_SUBSCRIPTIONS_MAX = 32, /* of a socket */
    HERALD_FILTERS_MAX = 256,      /* of a socket, all together */
    HERALD_WORD_MAX = 66           /* bytes of a subscription's id, of a filter */
};

struct herald *herald_open(uv_loop_t *loop, struct httpd *httpd, struct mint *mint,
                           const struct database *database, struct err *err);
void herald_close(struct herald *herald);

/* Nobody is told any more: all sockets are closed, and none is opened. */
void herald_hush(struct herald *herald);

/* Whether the request wants to be told. */
bool herald_takes(const struct herald *herald, const struct httpd_request *request);
void herald_ask(struct herald *herald, const struct httpd_request *request);

/* Something was spent here. */
void herald_spent(struct herald *herald);

/* Somebody else wants to know which quote has changed, too; payload: NULL: any may have. */
void herald_hear(struct herald *herald, void (*heard)(void *owner, const char *payload),
                 void *owner);

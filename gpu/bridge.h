/* bridge.h - between a node's credit and Lightning: a wallet service (NIP-47), by whose invoices
 * credit is bought, and which pays invoices for credit.
 *
 * The connection string is whoever has it's money: it comes from a file that its owner alone may
 * read ("-": standard input, "ask": the terminal), and is kept in locked memory.
 *
 *   ownership  bridge_close lets go at once; memory goes with bridge_free, once the loop has ended.
 *              The bank outlives it. Both take NULL
 *   threads    loop thread only; bridge_open before there are others: the string may be asked for
 *   errors     ERR_RESTRICTED: others may read the file; ERR_INVALID: no connection string; those
 *              of lightning and payout
 */
#pragma once

#include <uv.h>

#include "shared/base.h"

struct bank;
struct bridge;
struct err;

/* Registers itself with the bank's mint. NULL on failure. */
struct bridge *bridge_open(uv_loop_t *loop, struct bank *bank, const char *path, struct err *err);
void bridge_close(struct bridge *bridge);
void bridge_free(struct bridge *bridge);

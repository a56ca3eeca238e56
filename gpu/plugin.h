/* plugin.h - the card of this machine, if there is one and it can be used.
 *
 * What speaks to a card is a library of its own, libshoal_cuda.so, which is looked for beside the
 * program and in ../lib/shoal. It is opened when the program runs: one that was built without it,
 * or runs where there is no driver, computes on the processor, and can say why.
 *
 *   ownership  what was opened stays open until the program ends
 *   threads    one
 *   errors     ERR_INVALID no such device; ERR_UNSUPPORTED why a card that was asked for cannot be
 *              used
 */
#pragma once

#include "gpu/card.h"

struct err;

struct plugin {
    const struct card *card; /* NULL: the processor computes */
    struct card_facts facts; /* of the card */
    char why[160];           /* "", or why a card is not used that might be */
};

/* device: "auto", "cpu" or "cuda"; NULL is "auto". */
MUST_CHECK bool plugin_open(struct plugin *plugin, const char *device, struct err *err);

/* The same, of that file. */
void plugin_open_file(struct plugin *plugin, const char *path);

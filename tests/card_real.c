#include <stdio.h>
#include <stdlib.h>

#include "gpu/plugin.h"
#include "tests/card_at_hand.h"

enum { SKIPPED = 77 };

const struct card *card_at_hand(const char *plugin, struct card_facts *facts)
{
    struct plugin opened;
    plugin_open_file(&opened, plugin == NULL ? "" : plugin);
    *facts = opened.facts;
    if (opened.card == NULL) {
        printf("skipped: no CUDA card: %s\n", opened.why);
        exit(SKIPPED);
    }
    printf("on %s\n", facts->name);
    return opened.card;
}

#include <stdio.h>
#include <stdlib.h>

#include "tests/card_at_hand.h"

const struct card *card_at_hand(const char *plugin, struct card_facts *facts)
{
    const struct card *card = card_cuda();
    const char *why = card->open(facts);
    (void)plugin;
    if (why == NULL)
        return card;
    printf("%s\n", why);
    exit(1);
}

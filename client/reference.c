#include "client/reference.h"

#include "client/cid.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/hex.h"

bool reference_parse(struct bytes32 *id, struct span word, struct err *err)
{
    struct arena arena = {0};
    struct bech32 read;
    if (hex_decode(id->at, sizeof id->at, word) || cid_parse(id, word, NULL))
        return true;
    bool ok = bech32_decode(&read, &arena, word, err);
    if (ok && read.type != BECH32_NOTE && read.type != BECH32_NEVENT)
        ok = err_set(err, ERR_INVALID, "names no event: expected hex, note, nevent or a CID");
    if (ok)
        *id = read.key;
    arena_clear(&arena);
    return ok;
}

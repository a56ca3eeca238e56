#include "shared/kind.h"

enum kind_class kind_class(uint16_t kind)
{
    if (kind == KIND_PROFILE || kind == KIND_FOLLOWS || (kind >= 10000 && kind < 20000))
        return KIND_REPLACEABLE;
    if (kind >= 20000 && kind < 30000)
        return KIND_EPHEMERAL;
    if (kind >= 30000 && kind < 40000)
        return KIND_ADDRESSABLE;
    return KIND_REGULAR;
}

bool kind_is_gated(uint16_t kind)
{
    return kind == KIND_ENCRYPTED_MESSAGE || kind == KIND_GIFT_WRAP ||
           kind == KIND_EPHEMERAL_GIFT_WRAP;
}

#include "client/hlc.h"

#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"

bool hlc_parse(uint64_t *hlc, struct span digits)
{
    uint8_t bytes[sizeof *hlc];
    if (!hex_decode(bytes, sizeof bytes, digits))
        return false;
    *hlc = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        *hlc = *hlc << 8 | bytes[i];
    return true;
}

void hlc_write(struct text *out, uint64_t hlc)
{
    text_addf(out, "%016llx", (unsigned long long)hlc);
}

bool hlc_is_ahead(uint64_t hlc, uint64_t now_ms)
{
    return hlc_ms(hlc) > now_ms + HLC_AHEAD_MAX_MS;
}

bool hlc_next(uint64_t *hlc, uint64_t seen, uint64_t now_ms, struct err *err)
{
    uint64_t now = hlc_make(now_ms, 0);
    if (hlc_is_ahead(seen, now_ms))
        return err_set(err, ERR_RESTRICTED,
                       "the clock here is %llu s behind what was written already: set it right",
                       (unsigned long long)((hlc_ms(seen) - now_ms) / 1000));
    *hlc = now > seen ? now : seen + 1; /* a full counter runs over into the milliseconds */
    return true;
}

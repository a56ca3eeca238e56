#include "gpu/uuid.h"

#include <sodium.h>
#include <time.h>

#include "shared/hex.h"

struct uuid uuid_new(void)
{
    struct uuid uuid;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    randombytes_buf(uuid.at, sizeof uuid.at);
    for (int i = 0; i < 6; i++)
        uuid.at[i] = (uint8_t)(ms >> (40 - 8 * i));
    uuid.at[6] = (uint8_t)(0x70 | (uuid.at[6] & 0x0f));
    uuid.at[8] = (uint8_t)(0x80 | (uuid.at[8] & 0x3f));
    return uuid;
}

/* Bytes before which a dash stands. */
static bool has_dash(size_t i)
{
    return i == 4 || i == 6 || i == 8 || i == 10;
}

void uuid_write(char text[UUID_TEXT_LEN + 1], const struct uuid *uuid)
{
    for (size_t i = 0; i < sizeof uuid->at; i++) {
        if (has_dash(i))
            *text++ = '-';
        hex_encode(text, &uuid->at[i], 1);
        text += 2;
    }
    *text = '\0';
}

bool uuid_read(struct uuid *uuid, struct span text)
{
    const char *at = text.at;
    if (text.len != UUID_TEXT_LEN)
        return false;
    for (size_t i = 0; i < sizeof uuid->at; i++) {
        if (has_dash(i) && *at++ != '-')
            return false;
        if (!hex_decode(&uuid->at[i], 1, (struct span){at, 2}))
            return false;
        at += 2;
    }
    return true;
}

#include "gpu/wire.h"

#include <endian.h>

#include "gpu/crc32c.h"
#include "shared/err.h"

enum {
    VERSION = 1,
    LOGITS_MAX = 1 << 20,
    TYPE_AT = 5,
    ACTIVATION_AT = 6,
    FLAGS_AT = 7,
    SESSION_AT = 8,
    EPOCH_AT = 16,
    POSITION_AT = 20,
    COUNT_AT = 24,
    WIDTH_AT = 28,
    CREDITS_AT = 32,
    PAYLOAD_AT = 36,
    ZERO_AT = 40,
    CRC_AT = 60
};

static const char magic[4] = {'S', 'H', 'L', 'W'};

static void put(char *header, size_t at, uint32_t number)
{
    uint32_t little = htole32(number);
    memcpy(header + at, &little, sizeof little);
}

static uint32_t get(const char *header, size_t at)
{
    uint32_t little;
    memcpy(&little, header + at, sizeof little);
    return le32toh(little);
}

static uint32_t sum_of(const char *header, struct span payload)
{
    static const char zeroes[WIRE_HEADER_BYTES - CRC_AT];
    uint32_t sum = crc32c(0, (struct span){header, CRC_AT});
    sum = crc32c(sum, (struct span){zeroes, sizeof zeroes});
    return crc32c(sum, payload);
}

void wire_write(char header[WIRE_HEADER_BYTES], const struct wire *wire)
{
    uint64_t session = htole64(wire->session);
    memset(header, 0, WIRE_HEADER_BYTES);
    memcpy(header, magic, sizeof magic);
    header[4] = VERSION;
    header[TYPE_AT] = (char)wire->type;
    header[ACTIVATION_AT] = (char)wire->activation;
    header[FLAGS_AT] = (char)wire->flags;
    memcpy(header + SESSION_AT, &session, sizeof session);
    put(header, EPOCH_AT, wire->epoch);
    put(header, POSITION_AT, wire->position);
    put(header, COUNT_AT, wire->count);
    put(header, WIDTH_AT, wire->width);
    put(header, CREDITS_AT, wire->credits);
    put(header, PAYLOAD_AT, (uint32_t)wire->payload.len);
    put(header, CRC_AT, sum_of(header, wire->payload));
}

void wire_seal(char header[WIRE_HEADER_BYTES], struct span payload,
               const uint8_t tag[WIRE_TAG_BYTES])
{
    memcpy(header + WIRE_TAG_AT, tag, WIRE_TAG_BYTES);
    put(header, CRC_AT, sum_of(header, payload));
}

static bool check_hidden(const struct wire *wire, struct err *err)
{
    if (wire->count == 0 || wire->count > WIRE_ROWS_MAX || wire->width == 0 ||
        wire->width > ACTIVATION_WIDTH_MAX || wire->count > WIRE_POSITIONS_MAX - wire->position)
        return err_set(err, ERR_INVALID, "a frame of %u rows of %u at %u", wire->count, wire->width,
                       wire->position);
    size_t bytes = wire->count * activation_bytes(wire->activation, wire->width);
    return wire->payload.len == bytes ||
           err_set(err, ERR_INVALID, "%zu bytes of rows that have %zu", wire->payload.len, bytes);
}

static bool check_result(const struct wire *wire, struct err *err)
{
    size_t bytes = (size_t)wire->count * ((wire->flags & WIRE_PAIRS) != 0 ? 8 : 4);
    return (wire->count > 0 && wire->count <= LOGITS_MAX && wire->payload.len == bytes) ||
           err_set(err, ERR_INVALID, "%zu bytes of %u logits", wire->payload.len, wire->count);
}

static bool check_open(const struct wire *wire, struct err *err)
{
    return (wire->payload.len == WIRE_ORIGIN_BYTES && wire->count > 0 &&
            wire->count <= WIRE_POSITIONS_MAX && wire->width > 0 &&
            wire->width <= ACTIVATION_WIDTH_MAX) ||
           err_set(err, ERR_INVALID, "a session of %u positions, %u wide", wire->count,
                   wire->width);
}

static bool check_text(const struct wire *wire, size_t bytes_max, struct err *err)
{
    return wire->payload.len <= bytes_max ||
           err_set(err, ERR_INVALID, "%zu bytes in a frame of type %d", wire->payload.len,
                   (int)wire->type);
}

static bool check(const struct wire *wire, struct err *err)
{
    if ((wire->session == 0) != (wire->type == WIRE_HELLO || wire->type == WIRE_VIA))
        return err_set(err, ERR_INVALID, "a frame of no session, or a greeting of one");
    if (wire->position > WIRE_POSITIONS_MAX || wire->credits > WIRE_POSITIONS_MAX)
        return err_set(err, ERR_INVALID, "a position %u, with credits %u", wire->position,
                       wire->credits);
    switch (wire->type) {
    case WIRE_HELLO:
        return check_text(wire, WIRE_HELLO_BYTES_MAX, err);
    case WIRE_OPEN:
        return check_open(wire, err);
    case WIRE_HIDDEN:
        return check_hidden(wire, err);
    case WIRE_RESULT:
        return check_result(wire, err);
    case WIRE_ACK:
    case WIRE_CLOSE:
        return check_text(wire, 0, err);
    case WIRE_REFUSE:
        return wire->count <= WIRE_BROKEN ? check_text(wire, WIRE_TEXT_BYTES_MAX, err)
                                          : err_set(err, ERR_INVALID, "a refusal %u", wire->count);
    case WIRE_VIA:
        return check_text(wire, WIRE_TEXT_BYTES_MAX, err);
    }
    return err_set(err, ERR_INVALID, "a frame of an unknown type %d", (int)wire->type);
}

bool wire_read(struct wire *wire, struct span message, struct err *err)
{
    uint64_t session;
    const char *header = message.at;
    if (message.len < WIRE_HEADER_BYTES || memcmp(header, magic, sizeof magic) != 0)
        return err_set(err, ERR_INVALID, "%zu bytes that are no frame", message.len);
    if (header[4] != VERSION)
        return err_set(err, ERR_UNSUPPORTED, "frames of version %d", (uint8_t)header[4]);
    struct span payload = {header + WIRE_HEADER_BYTES, message.len - WIRE_HEADER_BYTES};
    if (payload.len > WIRE_PAYLOAD_BYTES_MAX || payload.len != get(header, PAYLOAD_AT))
        return err_set(err, ERR_INVALID, "a payload of %zu bytes that says %u", payload.len,
                       get(header, PAYLOAD_AT));
    if (get(header, CRC_AT) != sum_of(header, payload))
        return err_set(err, ERR_INVALID, "the frame's checksum is another");
    if ((uint8_t)header[ACTIVATION_AT] >= ACTIVATION_TYPES || (uint8_t)header[FLAGS_AT] > 1 ||
        get(header, ZERO_AT) != 0)
        return err_set(err, ERR_UNSUPPORTED, "a frame with what this version does not know");
    memcpy(&session, header + SESSION_AT, sizeof session);
    *wire = (struct wire){
        .type = (enum wire_type)(uint8_t)header[TYPE_AT],
        .activation = (enum activation)(uint8_t)header[ACTIVATION_AT],
        .flags = (uint8_t)header[FLAGS_AT],
        .session = le64toh(session),
        .epoch = get(header, EPOCH_AT),
        .position = get(header, POSITION_AT),
        .count = get(header, COUNT_AT),
        .width = get(header, WIDTH_AT),
        .credits = get(header, CREDITS_AT),
        .payload = payload,
    };
    memcpy(wire->tag, header + WIRE_TAG_AT, WIRE_TAG_BYTES);
    return check(wire, err);
}

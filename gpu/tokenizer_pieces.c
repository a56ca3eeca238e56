#include <endian.h>

#include "gpu/tokenizer_load.h"
#include "shared/err.h"

/* sentencepiece_model.proto's numbers */
enum { MODEL_PIECE = 1, MODEL_TRAINER = 2, MODEL_NORMALIZER = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_KIND = 3 };
enum { TRAINER_TYPE = 3, TRAINER_UNKNOWN = 40, TRAINER_BEGIN = 41, TRAINER_END = 42 };
enum { NORMALIZER_MAP = 2, NORMALIZER_PREFIX = 3, NORMALIZER_TRIM = 4, NORMALIZER_ESCAPE = 5 };
enum { TYPE_BPE = 2 };

struct reader {
    const char *start, *at, *end;
};

/* One field: a number, or bytes. */
struct field {
    uint32_t number;
    uint64_t value;
    struct span bytes;
};

static bool refuse(const struct reader *reader, const char *reason, struct err *err)
{
    return err_set(err, ERR_INVALID, "tokenizer.model: %s at byte %zu", reason,
                   (size_t)(reader->at - reader->start));
}

static bool read_varint(struct reader *reader, uint64_t *value, struct err *err)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (reader->at == reader->end)
            return refuse(reader, "it ends within a number", err);
        unsigned char byte = (unsigned char)*reader->at++;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return refuse(reader, "a number too long", err);
}

static bool read_bytes(struct reader *reader, struct span *bytes, uint64_t len, struct err *err)
{
    if (len > (uint64_t)(reader->end - reader->at))
        return refuse(reader, "it ends within a field", err);
    *bytes = (struct span){reader->at, (size_t)len};
    reader->at += len;
    return true;
}

static bool read_field(struct reader *reader, struct field *field, struct err *err)
{
    uint64_t tag;
    *field = (struct field){.bytes = {reader->at, 0}}; /* of a number: none, but somewhere */
    if (!read_varint(reader, &tag, err))
        return false;
    field->number = tag >> 3 > UINT32_MAX ? 0 : (uint32_t)(tag >> 3);
    switch (tag & 7) {
    case 0:
        return read_varint(reader, &field->value, err);
    case 1:
        return read_bytes(reader, &field->bytes, 8, err);
    case 2:
        return read_varint(reader, &field->value, err) &&
               read_bytes(reader, &field->bytes, field->value, err);
    case 5:
        return read_bytes(reader, &field->bytes, 4, err);
    default:
        return refuse(reader, "a field of no known type", err);
    }
}

/* A message within: its fields are told with their bytes in the whole file. */
static struct reader within(const struct reader *outer, struct span bytes)
{
    return (struct reader){outer->start, bytes.at, bytes.at + bytes.len};
}

static bool read_piece(struct tokenizer *tokenizer, struct reader reader, uint32_t token,
                       struct err *err)
{
    struct field field;
    struct vocabulary_token *piece = &tokenizer->vocabulary.tokens[token];
    piece->kind = VOCABULARY_NORMAL;
    while (reader.at < reader.end) {
        if (!read_field(&reader, &field, err))
            return false;
        if (field.number == PIECE_TEXT) {
            if (field.bytes.len > VOCABULARY_TEXT_BYTES_MAX)
                return refuse(&reader, "a piece too long", err);
            piece->text = arena_copy(&tokenizer->arena, field.bytes);
        } else if (field.number == PIECE_SCORE && field.bytes.len == sizeof piece->score) {
            uint32_t bits;
            memcpy(&bits, field.bytes.at, sizeof bits);
            bits = le32toh(bits);
            memcpy(&piece->score, &bits, sizeof bits);
        } else if (field.number == PIECE_KIND) {
            if (field.value < VOCABULARY_NORMAL || field.value > VOCABULARY_BYTE)
                return refuse(&reader, "a piece of no known kind", err);
            piece->kind = (enum vocabulary_kind)field.value;
        }
    }
    return true;
}

static bool read_trainer(struct tokenizer *tokenizer, struct reader reader, bool *is_bpe,
                         struct err *err)
{
    struct field field;
    while (reader.at < reader.end) {
        if (!read_field(&reader, &field, err))
            return false;
        /* -1, for none, is past every vocabulary */
        uint32_t token = field.value > UINT32_MAX ? VOCABULARY_NONE : (uint32_t)field.value;
        if (field.number == TRAINER_TYPE)
            *is_bpe = field.value == TYPE_BPE;
        else if (field.number == TRAINER_UNKNOWN)
            tokenizer->unknown = token;
        else if (field.number == TRAINER_BEGIN)
            tokenizer->begin = token;
        else if (field.number == TRAINER_END)
            tokenizer->end = token;
    }
    return true;
}

static bool read_normalizer(struct tokenizer *tokenizer, struct reader reader, struct err *err)
{
    struct field field;
    bool trims = true; /* unless told */
    bool escapes = true;
    tokenizer->prefix = TOKENIZER_EVERY_PREFIX;
    while (reader.at < reader.end) {
        if (!read_field(&reader, &field, err))
            return false;
        if (field.number == NORMALIZER_PREFIX)
            tokenizer->prefix = field.value != 0 ? TOKENIZER_EVERY_PREFIX : TOKENIZER_NO_PREFIX;
        else if (field.number == NORMALIZER_TRIM)
            trims = field.value != 0;
        else if (field.number == NORMALIZER_ESCAPE)
            escapes = field.value != 0;
        else if (field.number == NORMALIZER_MAP && field.bytes.len > 0)
            return err_set(err, ERR_UNSUPPORTED, "tokenizer.model: a map of characters");
    }
    if (trims || !escapes)
        return err_set(err, ERR_UNSUPPORTED, "tokenizer.model: trimmed or unmarked spaces");
    return true;
}

static bool count_pieces(uint32_t *count, struct reader reader, struct err *err)
{
    struct field field;
    *count = 0;
    while (reader.at < reader.end) {
        if (!read_field(&reader, &field, err))
            return false;
        if (field.number == MODEL_PIECE && ++*count > VOCABULARY_TOKENS_MAX)
            return refuse(&reader, "too many pieces", err);
    }
    return true;
}

bool tokenizer_load_pieces(struct tokenizer *tokenizer, struct span file, struct err *err)
{
    struct reader reader = {file.at, file.at, file.at + file.len};
    struct field field;
    uint32_t count;
    uint32_t token = 0;
    bool is_bpe = false;
    bool ok = true;
    if (!count_pieces(&count, reader, err))
        return false;
    tokenizer->kind = TOKENIZER_PIECES;
    tokenizer->unknown = 0; /* unless told */
    tokenizer->begin = 1;
    tokenizer->end = 2;
    tokenizer->adds_begin = true;
    vocabulary_begin(&tokenizer->vocabulary, &tokenizer->arena, count);
    while (ok && reader.at < reader.end) {
        if (!read_field(&reader, &field, err))
            return false;
        struct reader inner = within(&reader, field.bytes);
        if (field.number == MODEL_PIECE)
            ok = read_piece(tokenizer, inner, token++, err);
        else if (field.number == MODEL_TRAINER)
            ok = read_trainer(tokenizer, inner, &is_bpe, err);
        else if (field.number == MODEL_NORMALIZER)
            ok = read_normalizer(tokenizer, inner, err);
    }
    if (!ok)
        return false;
    if (!is_bpe)
        return err_set(err, ERR_UNSUPPORTED, "tokenizer.model: not trained as BPE");
    vocabulary_index(&tokenizer->vocabulary, &tokenizer->arena);
    bpe_begin(&tokenizer->bpe, &tokenizer->vocabulary, &tokenizer->arena, 0);
    tokenizer->bpe.by_score = true;
    return true;
}

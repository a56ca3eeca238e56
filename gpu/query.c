/* The parameters of a statement, in PostgreSQL's binary format, and values of its answers. */
#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "gpu/transaction.h"

/* PostgreSQL's numbers of these types. */
enum { TYPE_BYTEA = 17, TYPE_INT8 = 20 };

struct query query_of(const char *sql)
{
    return (struct query){.sql = sql};
}

static struct text *next(struct query *query)
{
    assert(query->count < QUERY_PARAMETERS_MAX);
    struct text *text = &query->at[query->count++];
    text_reserve(text, 1); /* an empty value is no NULL */
    return text;
}

void query_null(struct query *query)
{
    query->is_null[query->count] = true;
    next(query);
}

static void add_number(struct text *out, int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);
    text_add(out, SPAN_OF(big));
}

static void add_word(struct text *out, uint32_t word)
{
    uint32_t big = htonl(word);
    text_add(out, SPAN_OF(big));
}

void query_number(struct query *query, int64_t value)
{
    add_number(next(query), value);
}

void query_bytes(struct query *query, struct span bytes)
{
    text_add(next(query), bytes);
}

void query_text(struct query *query, const char *text)
{
    query_bytes(query, (struct span){text, strlen(text)});
}

/* One dimension (none when empty), no NULLs, the type; length, lower bound. */
static struct text *begin_array(struct query *query, uint32_t type, uint32_t count)
{
    struct text *out = next(query);
    add_word(out, count > 0);
    add_word(out, 0);
    add_word(out, type);
    if (count > 0) {
        add_word(out, count);
        add_word(out, 1);
    }
    return out;
}

void query_numbers(struct query *query, const int64_t *at, uint32_t count)
{
    struct text *out = begin_array(query, TYPE_INT8, count);
    for (uint32_t i = 0; i < count; i++) {
        add_word(out, sizeof *at);
        add_number(out, at[i]);
    }
}

void query_pieces(struct query *query, const void *first, size_t len, size_t stride, uint32_t count)
{
    struct text *out = begin_array(query, TYPE_BYTEA, count);
    for (uint32_t i = 0; i < count; i++) {
        add_word(out, (uint32_t)len);
        text_add(out, (struct span){(const char *)first + i * stride, len});
    }
}

void query_spans(struct query *query, const struct span *first, size_t stride, uint32_t count)
{
    struct text *out = begin_array(query, TYPE_BYTEA, count);
    for (uint32_t i = 0; i < count; i++) {
        struct span span;
        memcpy(&span, (const char *)first + i * stride, sizeof(struct span));
        add_word(out, (uint32_t)span.len);
        text_add(out, span);
    }
}

void query_points(struct query *query, const struct bytes33 *at, uint32_t count)
{
    query_pieces(query, at, sizeof *at, sizeof *at, count);
}

uint32_t answer_changed(const PGresult *answer)
{
    const union {
        const PGresult *ours;
        PGresult *theirs; /* libpq does not say const there */
    } same = {answer};
    return (uint32_t)strtoul(PQcmdTuples(same.theirs), NULL, 10);
}

int64_t answer_number(const PGresult *rows, int row, int column)
{
    const char *at = PQgetvalue(rows, row, column);
    uint64_t value = 0;
    int len = PQgetlength(rows, row, column);
    for (int i = 0; i < len; i++)
        value = value << 8 | (uint8_t)at[i];
    if (len == 2)
        return (int16_t)value;
    return len == 4 ? (int32_t)value : (int64_t)value;
}

struct span answer_bytes(const PGresult *rows, int row, int column)
{
    if (PQgetisnull(rows, row, column))
        return (struct span){0};
    return (struct span){PQgetvalue(rows, row, column), (size_t)PQgetlength(rows, row, column)};
}

bool answer_copy(void *out, size_t size, const PGresult *rows, int row, int column)
{
    struct span bytes = answer_bytes(rows, row, column);
    if (bytes.len != size || bytes.at == NULL)
        return false;
    memcpy(out, bytes.at, size);
    return true;
}

#include "relay/operator_print.h"

#include <stdlib.h>
#include <time.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { COLUMNS_MAX = 12, GAP = 2 };

struct column {
    struct span name;
    size_t width;
};

/* A list of objects. */
struct sheet {
    struct arena arena;
    struct column columns[COLUMNS_MAX];
    uint32_t column_count;
    struct span (*rows)[COLUMNS_MAX];
    size_t row_count;
};

/* C0, DEL, C1, and what turns the order of letters round or hides. */
static bool is_shown(uint32_t c)
{
    return c >= ' ' && (c < 0x7f || c > 0x9f) && c != 0xad && !(c >= 0x200b && c <= 0x200f) &&
           !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

static uint32_t decode(const char *at, size_t size)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = (uint8_t)at[0] & masks[size];
    for (size_t i = 1; i < size; i++)
        c = c << 6 | ((uint8_t)at[i] & 0x3f);
    return c;
}

static size_t size_of(const char *at, const char *end)
{
    uint8_t first = (uint8_t)*at;
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    return size <= (size_t)(end - at) ? size : 1;
}

void operator_print_text(struct text *out, struct span utf8)
{
    const char *end = utf8.at + utf8.len;
    for (const char *at = utf8.at; at < end;) {
        size_t size = size_of(at, end);
        if (is_shown(decode(at, size)))
            text_add(out, (struct span){at, size});
        else if (*at == '\n' || *at == '\t')
            text_add(out, SPAN(" "));
        at += size;
    }
}

static size_t width_of(struct span utf8)
{
    size_t width = 0;
    for (size_t i = 0; i < utf8.len; i++)
        width += ((uint8_t)utf8.at[i] & 0xc0) != 0x80;
    return width;
}

static bool is_time(struct span name)
{
    return span_eq(name, SPAN("at")) || span_eq(name, SPAN("created_at")) ||
           span_eq(name, SPAN("expires"));
}

static void add_time(struct text *out, int64_t at)
{
    char buffer[32];
    time_t seconds = (time_t)at;
    struct tm utc;
    if (gmtime_r(&seconds, &utc) != NULL &&
        strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M", &utc) > 0)
        text_addf(out, "%s", buffer);
}

/* Any value as the text of a cell. */
static bool scan_cell(struct span *cell, struct scan *scan, struct arena *arena, struct span name,
                      struct err *err)
{
    struct text out = {0};
    struct span text;
    int64_t at;
    char first = scan_peek(scan);
    const char *begin = scan->at;
    bool is_good;
    if (first == '"') {
        is_good = scan_text(scan, arena, &text, err);
        if (is_good)
            operator_print_text(&out, text);
    } else if (is_time(name) && first >= '0' && first <= '9') {
        is_good = scan_integer(scan, &at, INT64_MAX, err);
        if (is_good)
            add_time(&out, at);
    } else {
        is_good = scan_skip(scan, err);
        if (is_good && first != 'n')
            operator_print_text(&out, (struct span){begin, (size_t)(scan->at - begin)});
    }
    *cell = arena_copy(arena, text_span(&out));
    text_clear(&out);
    return is_good;
}

static struct span shown(struct arena *arena, struct span utf8)
{
    struct text out = {0};
    operator_print_text(&out, utf8);
    struct span copy = arena_copy(arena, text_span(&out));
    text_clear(&out);
    return copy;
}

static struct column *column_of(struct sheet *sheet, struct span name)
{
    for (uint32_t i = 0; i < sheet->column_count; i++)
        if (span_eq(sheet->columns[i].name, name))
            return &sheet->columns[i];
    if (sheet->column_count == COLUMNS_MAX)
        return NULL;
    struct column *column = &sheet->columns[sheet->column_count++];
    *column = (struct column){name, width_of(name)};
    return column;
}

/* A row: of an object, or of a value that stands alone. */
static bool scan_row(struct sheet *sheet, struct scan *scan, struct err *err)
{
    struct scan_list members;
    struct span key = SPAN(""), cell;
    sheet->rows =
        arena_grow_array(&sheet->arena, sheet->rows, sizeof *sheet->rows, sheet->row_count);
    struct span *row = sheet->rows[sheet->row_count++];
    memset(row, 0, sizeof *sheet->rows);
    bool is_object = scan_peek(scan) == '{';
    if (is_object && !scan_object(scan, &members, err))
        return false;
    while (!is_object || members.more) {
        if ((is_object && !scan_key(scan, &sheet->arena, &key, err)) ||
            !scan_cell(&cell, scan, &sheet->arena, key, err))
            return false;
        struct column *column = column_of(sheet, shown(&sheet->arena, key));
        if (column != NULL) {
            size_t width = width_of(cell);
            row[column - sheet->columns] = cell;
            column->width = width > column->width ? width : column->width;
        }
        if (!is_object)
            return true;
        if (!scan_next(scan, &members, err))
            return false;
    }
    return true;
}

/* The last column is not padded. */
static void add_row(struct text *out, const struct sheet *sheet, const struct span *cells)
{
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        size_t width = width_of(cells[i]);
        text_add(out, cells[i]);
        if (i + 1 < sheet->column_count)
            text_addf(out, "%*s", (int)(sheet->columns[i].width - width + GAP), "");
    }
    text_add(out, SPAN("\n"));
}

static void add_sheet(struct text *out, const struct sheet *sheet)
{
    struct span heads[COLUMNS_MAX];
    bool has_names = false;
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        heads[i] = sheet->columns[i].name;
        has_names |= heads[i].len > 0;
    }
    if (has_names)
        add_row(out, sheet, heads);
    for (size_t i = 0; i < sheet->row_count; i++)
        add_row(out, sheet, sheet->rows[i]);
}

static bool scan_rows(struct sheet *sheet, struct scan *scan, struct err *err)
{
    struct scan_list items;
    if (!scan_array(scan, &items, err))
        return false;
    while (items.more)
        if (!scan_row(sheet, scan, err) || !scan_next(scan, &items, err))
            return false;
    return true;
}

/* Its members, one a line. */
static bool scan_object_rows(struct text *out, struct sheet *sheet, struct scan *scan,
                             struct err *err)
{
    if (!scan_row(sheet, scan, err))
        return false;
    size_t width = 0;
    for (uint32_t i = 0; i < sheet->column_count; i++)
        if (width_of(sheet->columns[i].name) > width)
            width = width_of(sheet->columns[i].name);
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        struct span name = sheet->columns[i].name, cell = sheet->rows[0][i];
        text_addf(out, "%.*s%*s%.*s\n", SPAN_ARG(name), (int)(width - width_of(name) + GAP), "",
                  SPAN_ARG(cell));
    }
    return true;
}

bool operator_print(struct text *out, struct span json, struct err *err)
{
    struct scan scan = scan_begin(json);
    struct sheet sheet = {0};
    char first = scan_peek(&scan);
    bool is_good;
    if (first == '{') {
        is_good = scan_object_rows(out, &sheet, &scan, err);
    } else {
        is_good = first == '[' ? scan_rows(&sheet, &scan, err) : scan_row(&sheet, &scan, err);
        if (is_good && span_eq(json, SPAN("true")))
            text_add(out, SPAN("done\n"));
        else if (is_good && sheet.row_count == 0)
            text_add(out, SPAN("none\n"));
        else if (is_good)
            add_sheet(out, &sheet);
    }
    arena_clear(&sheet.arena);
    return is_good && scan_end(&scan, err);
}

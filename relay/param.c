#include "relay/param.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>

#include "relay/db.h"

/* Before the items of an array of one dimension: dimensions, has nulls, type, length, lower
 * bound. */
enum { PARAM_HEAD_BYTES = 20, PARAM_EMPTY_BYTES = 12 };

void param_clear(struct param_list *list)
{
    for (int i = 0; i < list->count; i++)
        text_clear(&list->at[i].bytes);
    list->count = 0;
}

static void add_word(struct text *out, uint32_t word)
{
    uint32_t big = htonl(word);
    text_add(out, SPAN_OF(big));
}

static struct param *next(struct param_list *list)
{
    assert(list->count < PARAM_MAX);
    struct param *param = &list->at[list->count++];
    *param = (struct param){0};
    return param;
}

void param_null(struct param_list *list)
{
    next(list)->is_null = true;
}

void param_int8(struct param_list *list, int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);
    text_add(&next(list)->bytes, SPAN_OF(big));
}

void param_bytes(struct param_list *list, struct span bytes)
{
    struct param *param = next(list);
    text_reserve(&param->bytes, 1); /* an empty value is no NULL */
    text_add(&param->bytes, bytes);
}

int param_begin(struct param_list *list, enum param_type item_type)
{
    struct param *param = next(list);
    param->is_array = true;
    param->type = item_type;
    memset(text_reserve(&param->bytes, PARAM_HEAD_BYTES), 0, PARAM_HEAD_BYTES);
    param->bytes.len = PARAM_HEAD_BYTES;
    return list->count - 1;
}

static struct text *item(struct param_list *list, int place, uint32_t len)
{
    struct param *param = &list->at[place];
    assert(param->is_array);
    param->count++;
    add_word(&param->bytes, len);
    return &param->bytes;
}

void param_add_null(struct param_list *list, int place)
{
    item(list, place, UINT32_MAX);
    list->at[place].has_nulls = true;
}

void param_add_int8(struct param_list *list, int place, int64_t value)
{
    uint64_t big = htobe64((uint64_t)value);
    text_add(item(list, place, sizeof big), SPAN_OF(big));
}

void param_add_int4(struct param_list *list, int place, int32_t value)
{
    add_word(item(list, place, sizeof value), (uint32_t)value);
}

void param_add_bytes(struct param_list *list, int place, struct span bytes)
{
    text_add(item(list, place, (uint32_t)bytes.len), bytes);
}

void param_int8s(struct param_list *list, const int64_t *items, uint32_t count)
{
    int place = param_begin(list, PARAM_INT8);
    for (uint32_t i = 0; i < count; i++)
        param_add_int8(list, place, items[i]);
}

static void write_head(struct param *param)
{
    uint32_t head[] = {htonl(param->count > 0), htonl(param->has_nulls),
                       htonl((uint32_t)param->type), htonl(param->count), htonl(1)};
    memcpy(param->bytes.at, head, sizeof head);
    if (param->count == 0)
        param->bytes.len = PARAM_EMPTY_BYTES;
}

void param_call(struct param_list *list, struct db_call *call)
{
    for (int i = 0; i < list->count; i++) {
        struct param *param = &list->at[i];
        if (param->is_array)
            write_head(param);
        list->values[i] = param->is_null ? NULL : param->bytes.at;
        list->lengths[i] = (int)param->bytes.len;
        list->formats[i] = 1;
    }
    call->values = list->values;
    call->lengths = list->lengths;
    call->formats = list->formats;
    call->count = list->count;
}

#include "shared/parcel.h"

#include <assert.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { STATUS_MAX = 599, SEQ_MAX = 1 << 24 };

/* ---- questions and answers ---- */

static void add_member(struct text *out, const char *name, struct span value)
{
    text_addf(out, "%s\"%s\":", out->at[out->len - 1] == '{' ? "" : ",", name);
    text_add_json(out, value);
}

static void add_body(struct text *out, struct span body)
{
    if (body.len > 0) {
        text_add(out, SPAN(",\"body\":"));
        text_add(out, body);
    }
    text_add(out, SPAN("}"));
}

void parcel_write_question(struct text *out, const struct parcel_question *question)
{
    text_add(out, SPAN("{"));
    add_member(out, "id", question->id);
    add_member(out, "method", question->method);
    add_member(out, "path", question->path);
    add_body(out, question->body);
}

void parcel_write_answer(struct text *out, const struct parcel_answer *answer)
{
    text_add(out, SPAN("{"));
    add_member(out, "id", answer->id);
    text_addf(out, ",\"status\":%u", answer->status);
    add_body(out, answer->body);
}

struct reading {
    struct scan scan;
    struct arena *arena;
    struct span id, method, path, body;
    int64_t status;
};

static bool read_body(struct reading *reading, struct err *err)
{
    (void)scan_peek(&reading->scan);
    const char *begin = reading->scan.at;
    if (!scan_skip(&reading->scan, err))
        return false;
    struct span body = {begin, (size_t)(reading->scan.at - begin)};
    reading->body = span_eq(body, SPAN("null")) ? (struct span){0} : body;
    return true;
}

static bool read_member(struct reading *reading, struct err *err)
{
    struct span key;
    if (!scan_key(&reading->scan, reading->arena, &key, err))
        return false;
    if (span_eq(key, SPAN("id")))
        return scan_text(&reading->scan, reading->arena, &reading->id, err);
    if (span_eq(key, SPAN("method")))
        return scan_text(&reading->scan, reading->arena, &reading->method, err);
    if (span_eq(key, SPAN("path")))
        return scan_text(&reading->scan, reading->arena, &reading->path, err);
    if (span_eq(key, SPAN("status")))
        return scan_integer(&reading->scan, &reading->status, STATUS_MAX, err);
    return span_eq(key, SPAN("body")) ? read_body(reading, err) : scan_skip(&reading->scan, err);
}

static bool read_content(struct reading *reading, struct arena *arena, struct span content,
                         struct err *err)
{
    struct scan_list list;
    *reading = (struct reading){.scan = scan_begin(content), .arena = arena};
    if (!scan_object(&reading->scan, &list, err))
        return false;
    while (list.more)
        if (!read_member(reading, err) || !scan_next(&reading->scan, &list, err))
            return false;
    if (!scan_end(&reading->scan, err))
        return false;
    return (reading->id.len > 0 && reading->id.len <= PARCEL_ID_BYTES_MAX) ||
           err_set(err, ERR_INVALID, "a message without an id");
}

bool parcel_read_question(struct parcel_question *question, struct arena *arena,
                          struct span content, struct err *err)
{
    struct reading reading;
    if (!read_content(&reading, arena, content, err))
        return false;
    *question = (struct parcel_question){reading.id, reading.method, reading.path, reading.body};
    bool is_get = span_eq(reading.method, SPAN("GET"));
    if (!is_get && !span_eq(reading.method, SPAN("POST")))
        return err_set(err, ERR_INVALID, "a question that neither gets nor posts");
    for (size_t i = 0; i < reading.path.len; i++)
        if (reading.path.at[i] <= ' ' || reading.path.at[i] > '~')
            return err_set(err, ERR_INVALID, "a path that is none");
    return (reading.path.len > 0 && reading.path.len <= PARCEL_PATH_BYTES_MAX &&
            reading.path.at[0] == '/') ||
           err_set(err, ERR_INVALID, "a question without a path");
}

bool parcel_read_answer(struct parcel_answer *answer, struct arena *arena, struct span content,
                        struct err *err)
{
    struct reading reading;
    if (!read_content(&reading, arena, content, err))
        return false;
    *answer = (struct parcel_answer){reading.id, (uint32_t)reading.status, reading.body};
    return answer->status >= 100 || err_set(err, ERR_INVALID, "an answer without a status");
}

/* ---- pieces ---- */

/* Where a piece that begins at from ends: not within a character. */
static size_t piece_end(struct span content, size_t from)
{
    size_t end = from + PARCEL_PIECE_BYTES_MAX;
    if (end >= content.len)
        return content.len;
    while (end > from && ((unsigned char)content.at[end] & 0xc0) == 0x80)
        end--;
    assert(end > from); /* else it is not UTF-8 */
    return end;
}

static void finish(struct event *rumor, struct arena *arena, struct span content, struct text *tags)
{
    struct text json = {0};
    bool ok = event_parse_tags(rumor, arena, arena_copy(arena, text_span(tags)), NULL);
    assert(ok); /* else what was written is not UTF-8 */
    text_add_json(&json, content);
    struct span copy = arena_copy(arena, text_span(&json));
    rumor->content_json = (struct span){copy.at + 1, copy.len - 2};
    text_clear(&json);
    text_clear(tags);
}

bool parcel_next(struct event *rumor, struct arena *arena, struct span content,
                 struct parcel_place *place, int64_t now)
{
    struct text tags = {0};
    if (place->count == 0) {
        assert(content.len > 0 && content.len <= PARCEL_BYTES_MAX);
        for (size_t at = 0; at < content.len; at = piece_end(content, at))
            place->count++;
        place->digest = sig_sha256(content);
    }
    if (place->index == place->count)
        return false;
    size_t end = piece_end(content, place->at);
    text_add(&tags, SPAN("["));
    if (place->count > 1) {
        text_addf(&tags, "[\"part\",\"%u\",\"%u\",\"", place->index, place->count);
        text_add_hex(&tags, place->digest.at, sizeof place->digest.at);
        text_add(&tags, SPAN("\"]"));
    }
    text_add(&tags, SPAN("]"));
    *rumor = (struct event){.kind = KIND_MARKET_MESSAGE, .created_at = now};
    finish(rumor, arena, (struct span){content.at + place->at, end - place->at}, &tags);
    place->at = end;
    place->index++;
    return true;
}

/* ---- pieces of an output ---- */

void parcel_chunk_event(struct event *rumor, struct arena *arena, const struct parcel_chunk *chunk,
                        int64_t now)
{
    struct text tags = {0};
    text_add(&tags, SPAN("[[\"e\","));
    text_add_json(&tags, chunk->job);
    text_addf(&tags, "],[\"seq\",\"%u\"]", chunk->seq);
    if (chunk->is_last)
        text_addf(&tags, ",[\"last\",\"%u\"]", chunk->seq + 1);
    text_add(&tags, SPAN("]"));
    *rumor = (struct event){.kind = KIND_MARKET_CHUNK, .created_at = now};
    finish(rumor, arena, chunk->text, &tags);
}

bool parcel_read_chunk(struct parcel_chunk *chunk, struct arena *arena, const struct event *rumor,
                       struct err *err)
{
    const struct span *job = event_tag_value(rumor, SPAN("e"));
    const struct span *seq = event_tag_value(rumor, SPAN("seq"));
    const struct span *last = event_tag_value(rumor, SPAN("last"));
    int64_t number, count;
    if (rumor->kind != KIND_MARKET_CHUNK || job == NULL || job->len == 0 ||
        job->len > PARCEL_ID_BYTES_MAX || seq == NULL || !number_decimal(&number, *seq) ||
        number > SEQ_MAX)
        return err_set(err, ERR_INVALID, "a piece of no output");
    if (last != NULL && (!number_decimal(&count, *last) || count != number + 1))
        return err_set(err, ERR_INVALID, "a last piece that is not the last");
    *chunk = (struct parcel_chunk){
        .job = *job,
        .seq = (uint32_t)number,
        .is_last = last != NULL,
        .text = scan_decode(arena, (struct scan_string){rumor->content_json, true})};
    return true;
}

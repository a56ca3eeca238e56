#include "client/command_home.h"

#include <stdio.h>
#include <time.h>

#include "client/catalog.h"
#include "client/catalog_past.h"
#include "client/hlc.h"
#include "client/node.h"
#include "client/reference.h"
#include "client/replica.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/number.h"
#include "shared/text.h"
#include "shared/utf8.h"

uint64_t home_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct store *home_store(const struct command_call *call, struct err *err)
{
    char folder[STORE_PATH_MAX];
    return store_folder(folder, command_value(call, "home"), err)
               ? store_open(folder, home_now(), err)
               : NULL;
}

struct store *home_open(const struct command_call *call, enum command_status *status)
{
    struct err err;
    struct store *store = home_store(call, &err);
    *status = store != NULL ? COMMAND_DONE : command_fail(call, &err);
    return store;
}

enum command_status home_look(struct command_call *call, home_look_fn *look)
{
    struct text out = {0};
    struct err err;
    enum command_status status;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    status = look(store, &out, call, &err) ? command_print(call, &out) : command_fail(call, &err);
    text_clear(&out);
    store_close(store);
    return status;
}

bool home_resolve(struct store *store, struct bytes32 *id, const char *word, struct err *err)
{
    return reference_parse(id, command_span(word), NULL) ||
           catalog_resolve(store, id, command_span(word), err);
}

bool home_time(uint64_t *ms, const char *word, struct err *err)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ",
                                        "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"};
    int64_t seconds;
    if (number_decimal(&seconds, command_span(word)) && seconds < INT64_MAX / 1000) {
        *ms = (uint64_t)seconds * 1000;
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct tm read = {0};
        const char *end = strptime(word, forms[i], &read);
        time_t at = end != NULL && *end == '\0' ? timegm(&read) : -1;
        if (at >= 0) {
            *ms = (uint64_t)at * 1000;
            return true;
        }
    }
    return err_set(err, ERR_INVALID, "expected a time: unix seconds, or 2026-11-21T14:30:00Z");
}

/* When an event was made; what is of no history, at the end of its second. */
static bool find_stamp(struct store *store, uint64_t *hlc, const struct bytes32 *id,
                       struct err *err)
{
    struct arena arena = {0};
    struct catalog_events found;
    struct event event;
    struct node node;
    bool ok = catalog_event(store, &found, &arena, id, err);
    if (ok && found.count == 0)
        ok = err_set(err, ERR_INVALID, "the event to look back to is not in the store");
    ok = ok && event_parse(&event, &arena, found.at[0].json, err);
    if (ok)
        *hlc = node_parse(&node, &arena, &event, NULL)
                   ? node.hlc
                   : hlc_make((uint64_t)event.created_at * 1000 + 999, UINT16_MAX);
    arena_clear(&arena);
    return ok;
}

bool home_cut(struct store *store, uint64_t *cut, const struct command_call *call,
              const char *option, struct err *err)
{
    const char *word = command_value(call, option);
    struct bytes32 id;
    uint64_t ms;
    *cut = UINT64_MAX;
    if (word == NULL)
        return true;
    if (home_time(&ms, word, NULL)) {
        *cut = ms >> (64 - HLC_COUNTER_BITS) != 0 ? UINT64_MAX : hlc_make(ms + 999, UINT16_MAX);
        return true;
    }
    if (home_resolve(store, &id, word, NULL))
        return find_stamp(store, cut, &id, err);
    return err_set(err, ERR_INVALID,
                   "expected a time: unix seconds, 2026-11-21T14:30:00Z, or an event that is here");
}

bool home_replica(struct store *store, struct replica **replica, const struct bytes32 *root,
                  const struct command_call *call, const char *option, struct err *err)
{
    uint64_t cut;
    if (!home_cut(store, &cut, call, option, err) ||
        !catalog_load_at(store, replica, root, cut, err))
        return false;
    if (replica_author(*replica) != NULL)
        return true;
    replica_free(*replica);
    return err_set(err, ERR_INVALID, "it is no entity here");
}

bool home_relays(struct store *store, struct span **urls, size_t *count, struct arena *arena,
                 const struct command_call *call, struct err *err)
{
    const char *url;
    size_t place = 0;
    *urls = NULL;
    *count = 0;
    while ((url = command_next_value(call, "relay", &place)) != NULL) {
        *urls = arena_grow(arena, struct span, *urls, *count);
        (*urls)[(*count)++] = command_span(url);
    }
    return *count > 0 || store_relays(store, urls, count, arena, err);
}

bool home_read_file(struct span *bytes, struct arena *arena, const struct home_file *file,
                    struct err *err)
{
    struct text out = {0};
    size_t got = 1;
    bool is_input = !file->call->is_inner && strcmp(file->path, "-") == 0;
    FILE *in = is_input ? stdin : fopen(file->path, "re");
    if (in == NULL)
        return err_set(err, ERR_INVALID, "cannot read %.60s", file->path);
    while (got > 0 && out.len <= file->max) {
        got = fread(text_reserve(&out, BUFSIZ), 1, BUFSIZ, in);
        out.len += got;
    }
    if (!is_input)
        (void)fclose(in);
    *bytes = arena_copy(arena, text_span(&out));
    text_clear(&out);
    return bytes->len <= file->max ||
           err_set(err, ERR_INVALID, "a file of over %zu bytes", file->max);
}

bool home_commit(struct store *store, const struct command_call *call, struct err *err)
{
    if (command_value(call, "dry-run") == NULL)
        return store_commit(store, err);
    store_rollback(store);
    return true;
}

void home_write_time(struct text *out, int64_t seconds)
{
    char words[32] = "?";
    time_t at = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&at, &parts) != NULL)
        strftime(words, sizeof words, "%Y-%m-%d %H:%M", &parts);
    text_add(out, command_span(words));
}

/* What a terminal would obey, or what would turn the order of what is read around. */
static bool is_control(const char *at, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)at;
    if (size == 1)
        return bytes[0] < 0x20 || bytes[0] == 0x7f;
    if (size == 2)
        return bytes[0] == 0xc2 && bytes[1] < 0xa0;
    if (size != 3 || bytes[0] != 0xe2)
        return false;
    return (bytes[1] == 0x80 && bytes[2] >= 0xa8 && bytes[2] <= 0xae) ||
           (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9);
}

void home_write_words(struct text *out, struct span words, size_t max)
{
    size_t begin = out->len;
    for (size_t i = 0; i < words.len;) {
        size_t size = utf8_size(words.at + i, words.at + words.len);
        if (size == 0)
            return;
        if (out->len - begin + size > max) {
            text_add(out, SPAN("..."));
            return;
        }
        text_add(out,
                 is_control(words.at + i, size) ? SPAN(" ") : (struct span){words.at + i, size});
        i += size;
    }
}

void home_write_lines(struct text *out, struct span words, int indent)
{
    for (size_t i = 0; i <= words.len;) {
        const char *end = words.len > i ? memchr(words.at + i, '\n', words.len - i) : NULL;
        size_t len = end != NULL ? (size_t)(end - words.at) - i : words.len - i;
        text_addf(out, "%*s", indent, "");
        home_write_words(out, (struct span){words.at + i, len}, SIZE_MAX / 2);
        text_add(out, SPAN("\n"));
        i += len + 1;
    }
}

void home_write_hex(struct text *out, const char *name, const struct bytes32 *value)
{
    text_addf(out, "\"%s\":\"", name);
    text_add_hex(out, value->at, sizeof value->at);
    text_add(out, SPAN("\""));
}

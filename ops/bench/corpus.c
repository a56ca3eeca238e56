#include "ops/bench/corpus.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/bench/dice.h"
#include "ops/bench/fatal.h"

/* What follows key at the event's top level; no string holds one of these keys unescaped. */
static const char *value_of(struct span json, const char *key)
{
    const char *found = memmem(json.at, json.len, key, strlen(key));
    if (found == NULL)
        fatal("an event without %s: %.*s", key, json.len > 80 ? 80 : (int)json.len, json.at);
    return found + strlen(key);
}

static struct corpus_event read_event(struct span json)
{
    return (struct corpus_event){
        .json = json,
        .id = value_of(json, "\"id\":\""),
        .pubkey = value_of(json, "\"pubkey\":\""),
        .created_at = strtol(value_of(json, "\"created_at\":"), NULL, 10),
        .kind = (uint32_t)strtoul(value_of(json, "\"kind\":"), NULL, 10),
    };
}

static struct span map_file(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0)
        fatal("%s: %s", path, strerror(errno));
    size_t len = (size_t)status.st_size;
    const char *at = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    close(file);
    if (at == MAP_FAILED)
        fatal("%s: %s", path, strerror(errno));
    return (struct span){at, len};
}

/* Takes the first line off text; without its end. */
static struct span take_line(struct span *text)
{
    const char *end = memchr(text->at, '\n', text->len);
    size_t len = end != NULL ? (size_t)(end - text->at) : text->len;
    struct span line = {text->at, len};
    size_t taken = end != NULL ? len + 1 : len;
    *text = (struct span){text->at + taken, text->len - taken};
    return line;
}

static void grow(struct corpus *corpus, size_t *capacity)
{
    if (corpus->count < *capacity)
        return;
    *capacity = *capacity == 0 ? 4096 : *capacity * 2;
    corpus->events = realloc(corpus->events, *capacity * sizeof *corpus->events);
    if (corpus->events == NULL)
        fatal("out of memory");
}

void corpus_open(struct corpus *corpus, const char *path, size_t skip, size_t count)
{
    size_t capacity = 0;
    struct span text = map_file(path);
    *corpus = (struct corpus){0};
    for (size_t line = 0; text.len > 0 && (count == 0 || corpus->count < count); line++) {
        struct span json = take_line(&text);
        if (line < skip)
            continue;
        grow(corpus, &capacity);
        corpus->events[corpus->count++] = read_event(json);
    }
    if (corpus->count == 0 || corpus->count < count)
        fatal("%s: not %zu events after %zu", path, count, skip);
    lookup_open(&corpus->by_id, corpus->count);
    for (size_t i = 0; i < corpus->count; i++)
        *lookup_put(&corpus->by_id, lookup_key(corpus->events[i].id)) = (uint32_t)i + 1;
}

void corpus_clear(struct corpus *corpus)
{
    free(corpus->events);
    lookup_clear(&corpus->by_id);
    *corpus = (struct corpus){0};
}

const struct corpus_event *corpus_find(const struct corpus *corpus, struct span id)
{
    const uint32_t *number = id.len == 64 ? lookup_find(&corpus->by_id, lookup_key(id.at)) : NULL;
    return number != NULL && *number != 0 ? &corpus->events[*number - 1] : NULL;
}

const struct corpus_event *corpus_pick(const struct corpus *corpus, struct dice *dice, int kind)
{
    for (;;) {
        const struct corpus_event *event = &corpus->events[dice_below(dice, corpus->count)];
        if (kind < 0 || event->kind == (uint32_t)kind)
            return event;
    }
}

struct span corpus_pick_tag(const struct corpus *corpus, struct dice *dice, const char *open,
                            int kind)
{
    for (;;) {
        struct span json = corpus_pick(corpus, dice, kind)->json;
        const char *found = memmem(json.at, json.len, open, strlen(open));
        if (found == NULL)
            continue;
        const char *value = found + strlen(open);
        const char *end = memchr(value, '"', json.len - (size_t)(value - json.at));
        if (end != NULL)
            return (struct span){value, (size_t)(end - value)};
    }
}

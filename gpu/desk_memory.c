#include "gpu/desk_memory.h"

#include <stdlib.h>

#include "gpu/desk.h"
#include "shared/sig.h"

struct note {
    struct bytes32 name; /* of who asked, and what it was called */
    bool is_used, is_answered;
    struct desk_answer answer;
};

struct desk_memory {
    struct note notes[DESK_MEMORY_MAX]; /* a ring */
    size_t next;
    size_t bytes; /* of all answers */
};

struct desk_memory *desk_memory_new(void)
{
    struct desk_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        abort();
    return memory;
}

static void forget(struct desk_memory *memory, struct note *note)
{
    memory->bytes -= note->answer.body.len;
    text_clear(&note->answer.body);
    *note = (struct note){0};
}

void desk_memory_free(struct desk_memory *memory)
{
    for (size_t i = 0; i < DESK_MEMORY_MAX; i++)
        forget(memory, &memory->notes[i]);
    free(memory);
}

static struct bytes32 name_of(const struct bytes32 *buyer, struct span id)
{
    struct text both = {0};
    text_add(&both, SPAN_OF(*buyer));
    text_add(&both, id);
    struct bytes32 name = sig_sha256(text_span(&both));
    text_clear(&both);
    return name;
}

/* Its place in the ring; DESK_MEMORY_MAX: none. */
static size_t find(const struct desk_memory *memory, const struct bytes32 *buyer, struct span id)
{
    const struct bytes32 name = name_of(buyer, id);
    size_t at = 0;
    while (at < DESK_MEMORY_MAX &&
           (!memory->notes[at].is_used || memcmp(&memory->notes[at].name, &name, sizeof name) != 0))
        at++;
    return at;
}

bool desk_memory_find(const struct desk_memory *memory, const struct desk_answer **answer,
                      const struct bytes32 *buyer, struct span id)
{
    size_t at = find(memory, buyer, id);
    if (at == DESK_MEMORY_MAX)
        return false;
    *answer = memory->notes[at].is_answered ? &memory->notes[at].answer : NULL;
    return true;
}

void desk_memory_begin(struct desk_memory *memory, const struct bytes32 *buyer, struct span id)
{
    struct note *note = &memory->notes[memory->next++ % DESK_MEMORY_MAX];
    forget(memory, note);
    note->name = name_of(buyer, id);
    note->is_used = true;
}

void desk_memory_keep(struct desk_memory *memory, const struct bytes32 *buyer, struct span id,
                      const struct desk_answer *answer)
{
    size_t at = find(memory, buyer, id);
    if (at == DESK_MEMORY_MAX || answer->body.len > DESK_MEMORY_BYTES_MAX)
        return;
    struct note *note = &memory->notes[at];
    memory->bytes += answer->body.len - note->answer.body.len;
    note->is_answered = true;
    note->answer.status = answer->status;
    note->answer.body.len = 0;
    text_add(&note->answer.body, text_span(&answer->body));
    for (size_t i = 0; memory->bytes > DESK_MEMORY_BYTES_MAX; i++) { /* from the oldest on */
        struct note *old = &memory->notes[(memory->next + i) % DESK_MEMORY_MAX];
        if (old != note && old->is_answered)
            forget(memory, old);
    }
}

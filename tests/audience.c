#include "tests/audience.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/text.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/test.h"
#include "tests/ws.h"

enum {
    RETRY_MS = 10,
    ANSWER_MS = 5000,
    LOOK_MS = 5,
    SILENCE_MS = 120000,
    PATIENCE_MS = 30000,
    PAST = 1600000000,
};

/* Shared by all processes. */
struct pace {
    _Atomic int64_t last_ms, longest_ms; /* acknowledgement, time without */
};

struct reader {
    _Atomic uint32_t connections, doubled;
    _Atomic uint32_t *seen; /* by event: the connection that last brought it */
};

struct audience {
    struct audience_setup setup;
    char hosts[AUDIENCE_PLACES_MAX][48]; /* scratch is cleared under the setup's */
    void *shared;
    size_t shared_size;
    _Atomic bool *is_over;      /* for the writers */
    _Atomic bool *acknowledged; /* by event */
    struct reader *readers;
    struct pace *pace;
    pid_t *pids; /* readers, then writers */
};

static uint32_t event_count(const struct audience *audience)
{
    return audience->setup.writers * audience->setup.events_max;
}

static void map_shared(struct audience *audience)
{
    const struct audience_setup *setup = &audience->setup;
    size_t events = event_count(audience);
    size_t flags = (1 + events + 7) / 8 * 8;
    size_t readers = setup->readers * sizeof(struct reader);
    audience->shared_size =
        sizeof(struct pace) + readers + setup->readers * events * sizeof(uint32_t) + flags;
    char *at = mmap(NULL, audience->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                    -1, 0);
    assert_true(at != MAP_FAILED);
    audience->shared = at;
    audience->pace = (void *)at;
    audience->pace->last_ms = wire_now_ms();
    at += sizeof(struct pace);
    audience->readers = (void *)at;
    at += readers;
    for (uint32_t i = 0; i < setup->readers; i++, at += events * sizeof(uint32_t))
        audience->readers[i].seen = (void *)at;
    audience->is_over = (void *)at;
    audience->acknowledged = (void *)(at + 1);
}

static bool open_place(struct ws *ws, const struct audience *audience, uint32_t number)
{
    const struct audience_setup *setup = &audience->setup;
    uint32_t place = number % setup->place_count;
    const struct wire_address address = {.host = audience->hosts[place],
                                         .port = setup->places[place].port};
    return ws_open(ws, &(struct ws_options){.address = address});
}

static bool begins(const struct text *message, const char *words)
{
    return message->len > strlen(words) && memcmp(message->at, words, strlen(words)) == 0;
}

/* --- a writer --- */

static bool say(struct ws *ws, const char *text)
{
    return ws_send_text(ws, (struct span){text, strlen(text)});
}

/* False when the connection is of no more use. */
static bool publish(struct ws *ws, const struct signer_event *event, bool *is_accepted)
{
    bool is_open = say(ws, scratch_format("[\"EVENT\",%s]", event->json));
    while (is_open) {
        is_open = ws_receive(ws, wire_now_ms() + ANSWER_MS) == WS_MESSAGE;
        if (is_open && begins(&ws->message, "[\"OK\"")) {
            *is_accepted = memmem(ws->message.at, ws->message.len, "\",true,", 7) != NULL;
            return true;
        }
    }
    return false;
}

static const struct signer_event *event_of(const struct audience *audience, uint32_t writer,
                                           uint32_t n)
{
    return SIGN(.person = audience->setup.first_person + writer, .kind = 1, .created_at = PAST + n,
                .content = scratch_format("%u", writer * audience->setup.events_max + n));
}

static void note_pace(struct pace *pace)
{
    int64_t now_ms = wire_now_ms();
    int64_t silence_ms = now_ms - atomic_exchange(&pace->last_ms, now_ms);
    int64_t longest_ms = pace->longest_ms;
    while (silence_ms > longest_ms &&
           !atomic_compare_exchange_weak(&pace->longest_ms, &longest_ms, silence_ms))
        ;
}

static void note_accepted(const struct audience *audience, uint32_t event)
{
    audience->acknowledged[event] = true;
    note_pace(audience->pace);
    if (audience->setup.pause_ms > 0)
        poll(NULL, 0, (int)audience->setup.pause_ms);
}

static void write_all(const struct audience *audience, uint32_t writer)
{
    uint32_t n = 0;
    while (n < audience->setup.events_max && !*audience->is_over) {
        struct ws ws;
        bool is_open = open_place(&ws, audience, writer);
        while (is_open && n < audience->setup.events_max && !*audience->is_over) {
            bool is_accepted = false;
            is_open = publish(&ws, event_of(audience, writer, n), &is_accepted);
            scratch_clear();
            if (is_accepted)
                note_accepted(audience, writer * audience->setup.events_max + n++);
            else if (is_open)
                poll(NULL, 0, RETRY_MS); /* nobody can tell a client when to try again */
        }
        ws_close(&ws);
        if (!is_open)
            poll(NULL, 0, RETRY_MS);
    }
}

/* --- a reader --- */

static void note(const struct audience *audience, struct reader *reader, const struct text *message)
{
    static const char words[] = "\"content\":\"";
    const char *content = memmem(message->at, message->len, words, sizeof words - 1);
    uint32_t event =
        content == NULL ? UINT32_MAX : (uint32_t)strtoul(content + sizeof words - 1, NULL, 10);
    if (event >= event_count(audience))
        _exit(EXIT_FAILURE);
    if (reader->seen[event] == reader->connections)
        reader->doubled++;
    reader->seen[event] = reader->connections;
}

static const char *authors_of(const struct audience *audience)
{
    const char *list = "";
    for (uint32_t i = 0; i < audience->setup.writers; i++)
        list = scratch_format("%s%s\"%s\"", list, i > 0 ? "," : "",
                              signer_pubkey(audience->setup.first_person + i));
    return list;
}

static _Noreturn void read_forever(const struct audience *audience, uint32_t number)
{
    struct reader *reader = &audience->readers[number];
    const char *request = scratch_format("[\"REQ\",\"all\",{\"limit\":100000,\"authors\":[%s]}]",
                                         authors_of(audience));
    for (;;) {
        struct ws ws;
        bool is_open = open_place(&ws, audience, number);
        if (is_open) {
            reader->connections++;
            is_open = say(&ws, request);
        }
        while (is_open) {
            enum ws_result result = ws_receive(&ws, wire_now_ms() + ANSWER_MS);
            if (result == WS_MESSAGE && begins(&ws.message, "[\"EVENT\""))
                note(audience, reader, &ws.message);
            /* CLOSED: the database was away, and said nothing of what it has */
            is_open =
                result == WS_LATE || (result == WS_MESSAGE && !begins(&ws.message, "[\"CLOSED\""));
        }
        ws_close(&ws);
        poll(NULL, 0, RETRY_MS);
    }
}

/* --- all of them --- */

static pid_t start(const struct audience *audience, uint32_t number)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (number < audience->setup.readers)
        read_forever(audience, number);
    write_all(audience, number - audience->setup.readers);
    _exit(EXIT_SUCCESS);
}

struct audience *audience_new(const struct audience_setup *setup)
{
    struct audience *audience = calloc(1, sizeof *audience);
    assert_non_null(audience);
    audience->setup = *setup;
    for (uint32_t i = 0; i < setup->place_count; i++)
        snprintf(audience->hosts[i], sizeof audience->hosts[i], "%s", setup->places[i].host);
    map_shared(audience);
    for (uint32_t i = 0; i < setup->writers; i++)
        (void)signer_pubkey(setup->first_person + i); /* made once, before there are many */
    uint32_t count = setup->readers + setup->writers;
    audience->pids = calloc(count, sizeof(pid_t));
    assert_non_null(audience->pids);
    fflush(NULL);
    for (uint32_t i = 0; i < count; i++)
        audience->pids[i] = start(audience, i);
    return audience;
}

static void end(pid_t pid, int signal)
{
    int status;
    if (signal != 0)
        kill(pid, signal);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (signal == 0)
        assert_int_equal(status, 0);
}

void audience_free(struct audience *audience)
{
    const struct audience_setup *setup = &audience->setup;
    for (uint32_t i = 0; i < setup->readers + setup->writers; i++)
        if (audience->pids[i] != 0)
            end(audience->pids[i], SIGKILL);
    munmap(audience->shared, audience->shared_size);
    free(audience->pids);
    free(audience);
}

uint32_t audience_acknowledged(const struct audience *audience)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < event_count(audience); i++)
        count += audience->acknowledged[i];
    return count;
}

bool *audience_list(const struct audience *audience, uint32_t *count)
{
    *count = event_count(audience);
    bool *list = calloc(*count, sizeof *list);
    assert_non_null(list);
    for (uint32_t i = 0; i < *count; i++)
        list[i] = audience->acknowledged[i];
    return list;
}

int64_t audience_silence_ms(struct audience *audience)
{
    note_pace(audience->pace);
    return atomic_exchange(&audience->pace->longest_ms, 0);
}

void audience_await(const struct audience *audience, uint32_t more)
{
    uint32_t before = audience_acknowledged(audience), last = before;
    int64_t deadline_ms = wire_now_ms() + SILENCE_MS;
    for (uint32_t now = before; now - before < more && now < event_count(audience);
         now = audience_acknowledged(audience)) {
        if (now != last)
            deadline_ms = wire_now_ms() + SILENCE_MS;
        if (wire_now_ms() > deadline_ms)
            fail_msg("nothing was acknowledged for %d s", SILENCE_MS / 1000);
        last = now;
        poll(NULL, 0, LOOK_MS); /* shared memory cannot be awaited */
    }
}

static uint32_t count_missed(const struct audience *audience)
{
    uint32_t missed = 0;
    for (uint32_t r = 0; r < audience->setup.readers; r++)
        for (uint32_t i = 0; i < event_count(audience); i++)
            missed += audience->acknowledged[i] &&
                      audience->readers[r].seen[i] != audience->readers[r].connections;
    return missed;
}

struct audience_verdict audience_judge(struct audience *audience)
{
    const struct audience_setup *setup = &audience->setup;
    *audience->is_over = true;
    for (uint32_t i = setup->readers; i < setup->readers + setup->writers; i++) {
        end(audience->pids[i], 0);
        audience->pids[i] = 0;
    }
    struct audience_verdict verdict = {.acknowledged = audience_acknowledged(audience),
                                       .missed = UINT32_MAX};
    int64_t deadline_ms = wire_now_ms() + PATIENCE_MS;
    while (verdict.missed > 0 && wire_now_ms() < deadline_ms) {
        uint32_t missed = count_missed(audience);
        if (missed < verdict.missed)
            deadline_ms = wire_now_ms() + PATIENCE_MS;
        verdict.missed = missed;
        poll(NULL, 0, LOOK_MS);
    }
    for (uint32_t i = 0; i < setup->readers; i++) {
        verdict.connections += audience->readers[i].connections;
        verdict.doubled += audience->readers[i].doubled;
    }
    return verdict;
}

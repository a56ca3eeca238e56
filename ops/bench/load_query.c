#include <stdio.h>
#include <stdlib.h>

#include "ops/bench/asking.h"
#include "ops/bench/corpus.h"
#include "ops/bench/crowd.h"
#include "ops/bench/dice.h"
#include "ops/bench/fatal.h"
#include "ops/bench/histogram.h"
#include "ops/bench/load.h"
#include "ops/bench/reading.h"
#include "ops/bench/usage.h"

enum { STALL_S = 20 };

/* What a connection waits for. */
struct question {
    uint64_t serial; /* 0: none yet; names the subscription */
    uint64_t sent_ns, events;
    enum asking class;
};

struct query {
    struct crowd crowd;
    struct corpus corpus;
    struct dice dice;
    struct question *questions; /* by connection */
    int only;                   /* this class; -1: all in turn */
    uint64_t wanted, asked, answered, refused, events;
    struct histogram latencies[ASKING_CLASSES];
    uint64_t found[ASKING_CLASSES]; /* events */
};

static void ask(struct query *query, struct member *member)
{
    if (query->asked >= query->wanted)
        return;
    struct question *question = &query->questions[member->number];
    struct text message = {0};
    if (question->serial != 0) {
        text_addf(&message, "[\"CLOSE\",\"q%lu\"]", question->serial);
        member_say(member, text_span(&message), SPAN(""));
    }
    uint64_t turn = query->asked++;
    *question = (struct question){
        .serial = query->asked,
        .class = query->only >= 0 ? (enum asking)query->only : (enum asking)(turn % ASKING_CLASSES),
    };
    message.len = 0;
    text_addf(&message, "[\"REQ\",\"q%lu\",", question->serial);
    asking_write(&message, question->class, &query->corpus, &query->dice);
    text_addf(&message, "]");
    member_say(member, text_span(&message), SPAN(""));
    text_clear(&message);
    question->sent_ns = usage_now_ns();
    crowd_flush(&query->crowd, member);
}

static void finish(struct query *query, struct member *member, uint64_t now_ns)
{
    const struct question *question = &query->questions[member->number];
    histogram_add(&query->latencies[question->class], now_ns - question->sent_ns);
    query->found[question->class] += question->events;
    query->events += question->events;
    query->answered++;
    ask(query, member);
}

static void on_message(void *owner, struct member *member, struct span message, uint64_t now_ns)
{
    struct query *query = owner;
    struct question *question = &query->questions[member->number];
    struct span rest = message;
    struct span type = reading_string(&rest);
    bool is_event = span_eq(type, SPAN("EVENT"));
    bool is_closed = span_eq(type, SPAN("CLOSED"));
    if (!is_event && !is_closed && !span_eq(type, SPAN("EOSE"))) {
        if (!span_eq(type, SPAN("AUTH")))
            reading_odd(message);
        return;
    }
    struct span name = reading_string(&rest);
    if (name.len < 2 || strtoul(name.at + 1, NULL, 10) != question->serial)
        return; /* of a subscription closed meanwhile */
    if (is_event) {
        question->events++;
        return;
    }
    if (is_closed) {
        query->refused++;
        reading_odd(message);
    }
    finish(query, member, now_ns);
}

static bool is_done(void *owner)
{
    const struct query *query = owner;
    return query->answered >= query->wanted;
}

static void print(const struct query *query, const struct usage *before, const struct usage *after)
{
    double wall_s = (double)(after->at_ns - before->at_ns) / 1e9;
    printf("per_s %.1f\nevents_per_s %.1f\nrefused %lu\n", (double)query->answered / wall_s,
           (double)query->events / wall_s, query->refused);
    for (int i = 0; i < ASKING_CLASSES; i++) {
        const struct histogram *latency = &query->latencies[i];
        if (latency->count == 0)
            continue;
        printf("%s_p50_us %.1f\n%s_p99_us %.1f\n%s_events %.2f\n", asking_names[i],
               histogram_us(latency, 0.5), asking_names[i], histogram_us(latency, 0.99),
               asking_names[i], (double)query->found[i] / (double)latency->count);
    }
    usage_print(before, after, query->answered);
}

bool load_query(const struct load *load)
{
    struct query *query = fatal_alloc(1, sizeof *query);
    query->dice.state = load->seed;
    query->wanted = load->requests;
    query->only = load->class != NULL ? asking_find(load->class) : -1;
    if (load->class != NULL && query->only < 0)
        fatal("no such class: %s", load->class);
    corpus_open(&query->corpus, load->file, load->skip, load->events);
    query->questions = fatal_alloc(load->connections, sizeof *query->questions);
    crowd_open(&query->crowd, load->url, (uint32_t)load->connections, on_message, query);
    struct crowd_task task = {.is_done = is_done, .owner = query, .stall_s = STALL_S};
    uint64_t ended_ns = 0;
    struct usage before = usage_take(load->pids);
    for (uint32_t i = 0; i < query->crowd.count; i++)
        ask(query, &query->crowd.members[i]);
    bool is_ok = crowd_run(&query->crowd, &task, &ended_ns);
    struct usage after = usage_take(load->pids);
    after.at_ns = ended_ns;
    print(query, &before, &after);
    is_ok = is_ok && query->refused == 0;
    crowd_close(&query->crowd);
    corpus_clear(&query->corpus);
    free(query->questions);
    free(query);
    return is_ok;
}

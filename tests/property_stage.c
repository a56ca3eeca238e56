/* A first stage, two replicas of a middle one and two of a last one, on connections that are cut,
 * delayed and double what they carry, and with stages that are killed while they work: every answer
 * has each of its tokens once, in order, and is what an undisturbed run gives. */
#include "gpu/stage.h"

#include <endian.h>
#include <stdlib.h>

#include "gpu/stage_work.h"
#include "shared/text.h"
#include "tests/random.h"
#include "tests/test.h"

enum {
    NODES = 5, /* the first, two of the middle, two of the end */
    CONNECTIONS = 200,
    JOBS = 5,
    WIDTH = 2,
    VOCABULARY = 16,
    PROMPT_MAX = 300,
    ANSWER_MAX = 12,
    ROUNDS = 60,
    TROUBLED_EVENTS = 6000,
    EVENTS_MAX = 1000000,
    PRIME = 997
};

static const uint32_t role[NODES] = {0, 1, 1, 2, 2};

/* ---- what a stage computes: numbers in which all rows before have a part ---- */

struct memory {
    uint64_t session;
    uint32_t length, sum;
};

struct node {
    struct stage *stage;
    struct memory memories[JOBS];
    struct stage_work work;
    bool is_working;
};

static uint32_t mix(uint32_t of_role, uint32_t sum, uint32_t in)
{
    static const uint32_t factors[] = {7, 5, 3};
    return (sum * factors[of_role] + in) % PRIME;
}

static struct memory *memory_of(struct node *node, uint64_t session)
{
    for (size_t i = 0; i < JOBS; i++)
        if (node->memories[i].session == session)
            return node->memories + i;
    return NULL;
}

static void run_span(struct node *node, uint32_t of_role, struct stage_span *span)
{
    if (span->opens) {
        assert_null(memory_of(node, span->session));
        struct memory *free_one = memory_of(node, 0);
        assert_non_null(free_one);
        *free_one = (struct memory){span->session, 0, 0};
    }
    struct memory *memory = memory_of(node, span->session);
    assert_non_null(memory);
    assert_int_equal(memory->length, span->position); /* each row once, in order */
    for (uint32_t i = 0; i < span->count; i++) {
        uint32_t in = of_role == 0 ? span->tokens[i] : (uint32_t)span->in[(size_t)i * WIDTH];
        if (of_role > 0)
            assert_int_equal((uint32_t)span->in[(size_t)i * WIDTH + 1], memory->length);
        memory->sum = mix(of_role, memory->sum, in);
        if (of_role < 2) {
            span->hidden[(size_t)i * WIDTH] = (float)memory->sum;
            span->hidden[(size_t)i * WIDTH + 1] = (float)memory->length;
        }
        memory->length++;
    }
    if (span->logits != NULL)
        span->logits[memory->sum % VOCABULARY] = 1;
    span->verdict = EXEC_DONE;
}

static void run(struct node *node, uint32_t of_role)
{
    struct stage_work *work = &node->work;
    for (uint32_t i = 0; i < work->closed_count; i++) {
        struct memory *memory = memory_of(node, work->closed[i]);
        assert_non_null(memory);
        *memory = (struct memory){0};
    }
    for (uint32_t i = 0; i < work->span_count; i++)
        run_span(node, of_role, work->spans + i);
    stage_done(node->stage, work);
    node->is_working = false;
}

/* ---- the world ---- */

struct connection {
    uint32_t ends[2]; /* nodes: the one before, the one behind; of results straight: last, first */
    bool is_home;
    bool is_seen[2]; /* by its ends, to be up */
    bool is_cut;
    struct text queues[2]; /* to each of its ends: size u32, frame */
    size_t taken[2];
};

struct job {
    uint64_t session;
    uint32_t tokens[PROMPT_MAX + ANSWER_MAX];
    uint32_t prompt, end, known;
};

struct world {
    struct node nodes[NODES];
    struct connection connections[CONNECTIONS];
    uint32_t connection_count;
    struct job jobs[JOBS];
    uint32_t done, cuts, kills, doubles;
};

static struct world world;

/* Connections are numbered from 1 on. */
static void on_send(void *owner, uint32_t link, const struct wire *wire)
{
    struct connection *connection = world.connections + link - 1;
    uint32_t from = (uint32_t)((struct node *)owner - world.nodes);
    size_t to = connection->ends[0] == from ? 1 : 0;
    uint32_t size = (uint32_t)(WIRE_HEADER_BYTES + wire->payload.len);
    assert_true(connection->ends[1 - to] == from && connection->is_seen[1 - to]);
    if (connection->is_cut)
        return;
    text_add(&connection->queues[to], SPAN_OF(size));
    wire_write(text_reserve(&connection->queues[to], WIRE_HEADER_BYTES), wire);
    connection->queues[to].len += WIRE_HEADER_BYTES;
    text_add(&connection->queues[to], wire->payload);
}

static void on_result(void *owner, uint64_t session, const struct stage_result *result)
{
    struct node *node = owner;
    struct job *job = world.jobs;
    uint32_t token;
    while (job->session != session)
        job++;
    if (result->why != NULL)
        fail_msg("%d: %s", (int)result->refusal, result->why);
    assert_int_equal(result->position + 1, job->known); /* once, in order */
    assert_int_equal(result->count, 1);
    memcpy(&token, result->bytes.at, sizeof token);
    assert_int_equal(le32toh(token), job->tokens[job->known]);
    if (++job->known < job->end) {
        stage_feed(node->stage, session, job->tokens + job->known - 1, 1);
        return;
    }
    world.done++;
    stage_close(node->stage, session);
}

static void start(uint32_t index)
{
    struct node *node = world.nodes + index;
    struct stage_options options = {.is_first = role[index] == 0,
                                    .is_last = role[index] == 2,
                                    .activation = index % 2 == 0 ? ACTIVATION_F32 : ACTIVATION_F16,
                                    .width = WIDTH,
                                    .vocabulary = VOCABULARY,
                                    .positions_max = PROMPT_MAX + ANSWER_MAX,
                                    .sessions_max = JOBS,
                                    .rows_max = 100,
                                    .origin = 77,
                                    .send = on_send,
                                    .result = on_result,
                                    .owner = node};
    *node = (struct node){.stage = stage_new(&options)};
}

static void end_work(struct node *node)
{
    if (node->is_working)
        stage_work_clear(&node->work);
}

static void connect(uint32_t before, uint32_t behind, bool is_home)
{
    struct connection *connection = world.connections + world.connection_count;
    uint32_t id = world.connection_count + 1;
    for (uint32_t i = 0; i < world.connection_count; i++) {
        const struct connection *other = world.connections + i;
        if (other->ends[0] == before && other->ends[1] == behind && other->is_home == is_home &&
            (other->is_seen[0] || !other->is_cut))
            return; /* there is one, or it is not known to be none */
    }
    if (world.connection_count == CONNECTIONS)
        return;
    *connection =
        (struct connection){.ends = {before, behind}, .is_home = is_home, .is_seen = {true, true}};
    world.connection_count++;
    assert_true(
        stage_link_up(world.nodes[before].stage, id, is_home ? STAGE_HOME : STAGE_BEHIND, 77));
    assert_true(
        stage_link_up(world.nodes[behind].stage, id, is_home ? STAGE_TAIL : STAGE_BEFORE, 0));
}

static void connect_any(uint32_t chance)
{
    for (uint32_t before = 0; before < NODES; before++)
        for (uint32_t behind = 0; behind < NODES; behind++) {
            bool is_home = role[before] == 2 && role[behind] == 0;
            if ((is_home || role[behind] == role[before] + 1) && random_below(chance) == 0)
                connect(before, behind, is_home);
        }
}

static void cut(struct connection *connection)
{
    connection->is_cut = true;
    for (size_t i = 0; i < 2; i++) {
        text_clear(&connection->queues[i]);
        connection->taken[i] = 0;
    }
}

static void notice(uint32_t index, size_t end)
{
    struct connection *connection = world.connections + index;
    if (!connection->is_cut || !connection->is_seen[end])
        return;
    connection->is_seen[end] = false;
    stage_link_down(world.nodes[connection->ends[end]].stage, index + 1);
}

static void kill_node(uint32_t index)
{
    struct node *node = world.nodes + index;
    for (uint32_t i = 0; i < world.connection_count; i++)
        for (size_t end = 0; end < 2; end++)
            if (world.connections[i].ends[end] == index) {
                cut(world.connections + i);
                world.connections[i].is_seen[end] = false;
            }
    end_work(node);
    stage_free(node->stage);
    start(index);
    world.kills++;
}

/* The frame at the head of a queue. */
static void deliver(uint32_t index, size_t end, bool is_double)
{
    struct connection *connection = world.connections + index;
    struct text *queue = &connection->queues[end];
    struct wire wire;
    uint32_t size;
    if (!connection->is_seen[end] || connection->taken[end] == queue->len)
        return;
    memcpy(&size, queue->at + connection->taken[end], sizeof size);
    struct text message = {0};
    text_add(&message, (struct span){queue->at + connection->taken[end] + sizeof size, size});
    connection->taken[end] += sizeof size + size;
    if (connection->taken[end] == queue->len)
        queue->len = connection->taken[end] = 0;
    for (int i = 0; i <= is_double; i++) {
        assert_true(wire_read(&wire, text_span(&message), NULL));
        assert_true(stage_receive(world.nodes[connection->ends[end]].stage, index + 1, &wire));
    }
    world.doubles += is_double;
    text_clear(&message);
}

static void event(bool is_troubled)
{
    uint32_t index = random_below(world.connection_count);
    uint32_t what = random_below(16);
    struct connection *connection = world.connections + index;
    struct node *node = world.nodes + random_below(NODES);
    if (what < 8) {
        deliver(index, what % 2, is_troubled && random_below(20) == 0);
    } else if (what < 11) {
        if (!connection->is_home && connection->is_seen[0])
            stage_pump(world.nodes[connection->ends[0]].stage, index + 1);
    } else if (what < 14) {
        if (node->is_working)
            run(node, role[node - world.nodes]);
        else
            node->is_working = stage_plan(node->stage, &node->work);
    } else if (what == 14) {
        notice(index, random_below(2));
    } else {
        connect_any(is_troubled ? 30 : 1);
    }
    if (!is_troubled)
        return;
    if (random_below(200) == 0 && world.connection_count < CONNECTIONS - 8 && !connection->is_cut) {
        cut(connection);
        world.cuts++;
    }
    if (random_below(800) == 0 && world.connection_count < CONNECTIONS - 16)
        kill_node(1 + random_below(NODES - 1));
}

/* What an undisturbed run gives. */
static void foretell(struct job *job, uint64_t session)
{
    uint32_t sums[3] = {0};
    *job = (struct job){.session = session, .prompt = 1 + random_below(PROMPT_MAX)};
    job->end = job->prompt + 1 + random_below(ANSWER_MAX - 1);
    job->known = job->prompt;
    for (uint32_t i = 0; i < job->end; i++) {
        if (i < job->prompt)
            job->tokens[i] = random_below(VOCABULARY);
        if (i > 0 && i >= job->prompt)
            job->tokens[i] = sums[2] % VOCABULARY;
        uint32_t in = job->tokens[i];
        for (uint32_t j = 0; j < 3; j++)
            in = sums[j] = mix(j, sums[j], in);
    }
}

static void play(void)
{
    struct stage *first = world.nodes[0].stage;
    connect_any(1);
    for (uint64_t i = 0; i < JOBS; i++) {
        struct job *job = world.jobs + i;
        foretell(job, 1000 + i);
        assert_true(stage_open(first, job->session, job->end, 1));
        stage_feed(first, job->session, job->tokens, job->prompt);
    }
    uint32_t events = 0;
    for (; world.done < JOBS && events < EVENTS_MAX; events++)
        event(events < TROUBLED_EVENTS);
    assert_int_equal(world.done, JOBS);
    assert_int_equal(stage_statistics(first).sessions, 0);
}

static void test_losses(void **state)
{
    uint32_t cuts = 0;
    uint32_t kills = 0;
    uint32_t doubles = 0;
    uint64_t reopened = 0;
    (void)state;
    random_start();
    for (int round = 0; round < ROUNDS; round++) {
        world = (struct world){0};
        for (uint32_t i = 0; i < NODES; i++)
            start(i);
        play();
        cuts += world.cuts;
        kills += world.kills;
        doubles += world.doubles;
        for (uint32_t i = 0; i < NODES; i++) {
            reopened += stage_statistics(world.nodes[i].stage).reopened;
            end_work(world.nodes + i);
            stage_free(world.nodes[i].stage);
        }
        for (uint32_t i = 0; i < world.connection_count; i++)
            cut(world.connections + i);
    }
    print_message("%u cuts, %u kills, %u doubles, reopened %u times\n", cuts, kills, doubles,
                  (unsigned)reopened);
    assert_true(cuts > ROUNDS && kills > ROUNDS / 2 && doubles > ROUNDS && reopened > ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_losses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

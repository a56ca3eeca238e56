#include "relay/verifier.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/event.h"
#include "shared/sig.h"

enum { PIECE_MAX = 32 };

/* What one thread does at a time. Pieces are delivered in the order they were sent out, whichever
 * is done first. */
struct piece {
    uv_work_t work;
    struct verifier *verifier;
    struct sig_keys *keys; /* while it is on the pool */
    struct list verifications;
    struct list_node listed; /* in verifier->out */
    bool is_done;
};

struct verifier {
    uv_loop_t *loop;
    struct verifier_setup setup;
    struct list queue; /* verifications that wait for the pool */
    uint32_t waiting;
    struct list out;        /* pieces not delivered yet, in the order they were sent out */
    uint32_t busy;          /* of these, not done yet */
    struct sig_keys **keys; /* for each piece that may be busy; those in use come first */
};

struct verifier *verifier_new(uv_loop_t *loop, const struct verifier_setup *setup)
{
    struct verifier *verifier = calloc(1, sizeof *verifier);
    if (verifier == NULL)
        abort();
    verifier->loop = loop;
    verifier->setup = *setup;
    if (verifier->setup.threads == 0)
        verifier->setup.threads = 1;
    verifier->keys = calloc(verifier->setup.threads, sizeof(struct sig_keys *));
    if (verifier->keys == NULL)
        abort();
    for (uint32_t i = 0; i < verifier->setup.threads; i++)
        verifier->keys[i] = sig_keys_new();
    return verifier;
}

void verifier_free(struct verifier *verifier)
{
    assert(verifier->queue.head == NULL && verifier->out.head == NULL);
    for (uint32_t i = 0; i < verifier->setup.threads; i++)
        sig_keys_free(verifier->keys[i]);
    free(verifier->keys);
    free(verifier);
}

static struct verification *take_first(struct list *list)
{
    struct verification *first = list_first(list);
    if (first != NULL)
        list_remove(list, &first->listed);
    return first;
}

static void deliver_done(struct verifier *verifier)
{
    struct piece *piece;
    while ((piece = list_first(&verifier->out)) != NULL && piece->is_done) {
        list_remove(&verifier->out, &piece->listed);
        for (struct verification *done; (done = take_first(&piece->verifications)) != NULL;)
            verifier->setup.done(done->owner);
        free(piece);
    }
}

static void prove(struct verification *verification, struct sig_keys *keys)
{
    const struct event *event = verification->event;
    if (!event_check_id(event))
        verification->proof = PROOF_BAD_ID;
    else if (!sig_verify_with(keys, &event->sig, &event->id, &event->pubkey))
        verification->proof = PROOF_BAD_SIG;
    else
        verification->proof = PROOF_GOOD;
}

/* On the pool. */
static void work(uv_work_t *work)
{
    struct piece *piece = work->data;
    struct verification *next = list_first(&piece->verifications);
    for (; next != NULL; next = list_next(&next->listed))
        prove(next, piece->keys);
}

static void send_pieces(struct verifier *verifier);

static void on_worked(uv_work_t *work, int status)
{
    struct piece *piece = work->data;
    struct verifier *verifier = piece->verifier;
    assert(status == 0); /* pieces are not cancelled */
    piece->is_done = true;
    verifier->keys[--verifier->busy] = piece->keys;
    send_pieces(verifier); /* first: a thread is idle */
    deliver_done(verifier);
}

/* Moves the oldest from the queue: a share that leaves as much to each thread. */
static void take_share(struct verifier *verifier, struct list *verifications)
{
    uint32_t share = (verifier->waiting + verifier->setup.threads - 1) / verifier->setup.threads;
    if (share > PIECE_MAX)
        share = PIECE_MAX;
    verifier->waiting -= share;
    for (uint32_t i = 0; i < share; i++) {
        struct verification *first = take_first(&verifier->queue);
        list_append(verifications, &first->listed, first);
    }
}

static void send_pieces(struct verifier *verifier)
{
    while (verifier->busy < verifier->setup.threads && verifier->waiting > 0) {
        struct piece *piece = calloc(1, sizeof *piece);
        if (piece == NULL)
            abort();
        piece->work.data = piece;
        piece->verifier = verifier;
        take_share(verifier, &piece->verifications);
        list_append(&verifier->out, &piece->listed, piece);
        piece->keys = verifier->keys[verifier->busy++];
        if (uv_queue_work(verifier->loop, &piece->work, work, on_worked) != 0)
            abort();
    }
}

void verifier_add(struct verifier *verifier, struct verification *verification)
{
    list_append(&verifier->queue, &verification->listed, verification);
    verifier->waiting++;
    bool may_be_alone = verifier->waiting == 1 && verifier->out.head == NULL;
    if (!may_be_alone || !verifier->setup.has_turns)
        send_pieces(verifier);
}

void verifier_turn_end(struct verifier *verifier)
{
    if (verifier->waiting == 0 || verifier->out.head != NULL)
        return;
    struct verification *alone = take_first(&verifier->queue);
    verifier->waiting--;
    prove(alone, verifier->keys[0]);
    verifier->setup.done(alone->owner);
}

uint32_t verifier_waiting(const struct verifier *verifier)
{
    return verifier->waiting;
}

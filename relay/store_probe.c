#include "relay/store_probe.h"

#include <stdlib.h>

#include "relay/store_sql.h"
#include "shared/err.h"

struct probe {
    struct probe *next;
    struct store_probes *probes;
    store_settled_fn *reply; /* NULL: forgotten */
    void *owner;
    bool is_failed; /* answered by the next flush */
};

struct store_probes {
    struct db *writer;
    void (*wake)(void *owner);
    void *owner;
    struct probe *head;
};

struct store_probes *store_probes_new(struct db *writer, void (*wake)(void *owner), void *owner)
{
    struct store_probes *probes = calloc(1, sizeof *probes);
    if (probes == NULL)
        abort();
    *probes = (struct store_probes){writer, wake, owner, NULL};
    return probes;
}

static void answer(struct probe **at, enum store_verdict verdict)
{
    struct probe *probe = *at;
    *at = probe->next;
    if (probe->reply != NULL)
        probe->reply(probe->owner, verdict);
    free(probe);
}

void store_probes_free(struct store_probes *probes)
{
    while (probes->head != NULL)
        answer(&probes->head, STORE_FAILED);
    free(probes);
}

static void fail(struct probe *probe)
{
    probe->is_failed = true;
    probe->probes->wake(probe->probes->owner);
}

static void on_answer(void *owner, const PGresult *result)
{
    struct probe *probe = owner;
    struct probe **at = &probe->probes->head;
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fail(probe);
        return;
    }
    while (*at != probe)
        at = &(*at)->next;
    answer(at, STORE_NEW);
}

void store_probes_add(struct store_probes *probes, store_settled_fn *reply, void *owner)
{
    struct err err;
    struct probe *probe = calloc(1, sizeof *probe);
    if (probe == NULL)
        abort();
    *probe = (struct probe){probes->head, probes, reply, owner, false};
    probes->head = probe;
    const struct db_call call = {.statement = STORE_SQL_PROBE, .reply = on_answer, .owner = probe};
    if (!db_query(probes->writer, &call, &err))
        fail(probe);
}

void store_probes_flush(struct store_probes *probes)
{
    struct probe **at = &probes->head;
    while (*at != NULL) {
        if ((*at)->is_failed) {
            answer(at, STORE_FAILED);
            at = &probes->head; /* a reply may have added one */
        } else {
            at = &(*at)->next;
        }
    }
}

void store_probes_forget(struct store_probes *probes, const void *owner)
{
    for (struct probe *probe = probes->head; probe != NULL; probe = probe->next)
        if (probe->owner == owner)
            probe->reply = NULL;
}

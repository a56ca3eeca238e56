#include "relay/places.h"

#include <stdlib.h>

#include "relay/db.h"
#include "relay/list.h"
#include "relay/log.h"
#include "relay/param.h"
#include "relay/schema.h"
#include "shared/err.h"
#include "shared/number.h"
#include "shared/text.h"

enum { ANSWER_MS_MAX = 15000, STATEMENT_MS_MAX = 10000 };

struct place {
    struct list_node listed;
    char name[PLACES_NAME_MAX + 1];
    int64_t at;
    bool is_changed; /* and not written yet */
};

struct places {
    const struct shard *shard;
    struct db *db;
    struct list list;
    bool is_loaded;
    struct place *writing; /* NULL: none */
};

static bool prepare(PGconn *conn, const void *context)
{
    return schema_enter(conn, context, STATEMENT_MS_MAX) &&
           schema_prepare(conn, "load",
                          "SELECT substr(k, 8), convert_from(v, 'UTF8') FROM meta"
                          " WHERE k LIKE 'router %'") &&
           schema_prepare(conn, "save",
                          "INSERT INTO meta VALUES ('router ' || convert_from($1::bytea, 'UTF8'),"
                          " convert_to($2::int8::text, 'UTF8'))"
                          " ON CONFLICT (k) DO UPDATE SET v = excluded.v");
}

static struct place *find(const struct places *places, const char *name)
{
    struct place *place = list_first(&places->list);
    while (place != NULL && strcmp(place->name, name) != 0)
        place = list_next(&place->listed);
    return place;
}

static struct place *find_or_add(struct places *places, struct span name)
{
    char text[PLACES_NAME_MAX + 1] = "";
    memcpy(text, name.at, name.len < PLACES_NAME_MAX ? name.len : PLACES_NAME_MAX);
    struct place *place = find(places, text);
    if (place != NULL)
        return place;
    place = calloc(1, sizeof *place);
    if (place == NULL)
        abort();
    memcpy(place->name, text, sizeof text);
    list_append(&places->list, &place->listed, place);
    return place;
}

static struct span text_of(const PGresult *result, int row, int column)
{
    return (struct span){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

static void write_next(struct places *places);

/* What is here already is as new or newer. */
static void on_loaded(void *owner, const PGresult *result)
{
    struct places *places = owner;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        if (result != NULL)
            log_error("router", "cannot read how far it was: %s", db_error(result));
        return;
    }
    for (int row = 0; row < PQntuples(result) && !places->is_loaded; row++) {
        int64_t at;
        if (number_decimal(&at, text_of(result, row, 1)))
            find_or_add(places, text_of(result, row, 0))->at = at;
    }
    places->is_loaded = true;
    write_next(places);
}

static void on_state(void *owner, bool is_ready)
{
    struct places *places = owner;
    const struct db_call call = {.statement = "load", .reply = on_loaded, .owner = places};
    if (is_ready && !db_query(places->db, &call, NULL))
        log_warning("router", "cannot ask how far it was");
}

struct places *places_new(uv_loop_t *loop, const struct shard *shard)
{
    struct places *places = calloc(1, sizeof *places);
    if (places == NULL)
        abort();
    places->shard = shard;
    const struct db_setup setup = {.conninfo = shard->conninfo,
                                   .prepare = prepare,
                                   .context = shard,
                                   .on_state = on_state,
                                   .owner = places,
                                   .answer_ms_max = ANSWER_MS_MAX};
    places->db = db_new(loop, &setup);
    return places;
}

void places_free(struct places *places)
{
    db_free(places->db); /* which answers */
    for (struct place *place; (place = list_first(&places->list)) != NULL;) {
        list_remove(&places->list, &place->listed);
        free(place);
    }
    free(places);
}

bool places_are_loaded(const struct places *places)
{
    return places->is_loaded;
}

static struct place *find_changed(const struct places *places)
{
    struct place *place = list_first(&places->list);
    while (place != NULL && !place->is_changed)
        place = list_next(&place->listed);
    return place;
}

bool places_are_written(const struct places *places)
{
    return places->writing == NULL && find_changed(places) == NULL;
}

int64_t places_get(const struct places *places, const char *name)
{
    const struct place *place = find(places, name);
    return place != NULL ? place->at : -1;
}

static void on_written(void *owner, const PGresult *result)
{
    struct places *places = owner;
    struct place *place = places->writing;
    bool is_written = PQresultStatus(result) == PGRES_COMMAND_OK;
    places->writing = NULL;
    place->is_changed |= !is_written; /* then after the next change, or the reconnect */
    if (result != NULL && !is_written)
        log_error("router", "cannot note how far it is: %s", db_error(result));
    if (is_written)
        write_next(places);
}

static void write_next(struct places *places)
{
    struct param_list params = {0};
    struct db_call call = {.statement = "save", .reply = on_written, .owner = places};
    struct place *place = find_changed(places);
    if (place == NULL || places->writing != NULL || !db_is_ready(places->db))
        return;
    param_bytes(&params, (struct span){place->name, strlen(place->name)});
    param_int8(&params, place->at);
    param_call(&params, &call);
    if (db_query(places->db, &call, NULL)) {
        places->writing = place;
        place->is_changed = false;
    }
    param_clear(&params);
}

void places_set(struct places *places, const char *name, int64_t at)
{
    struct place *place = find_or_add(places, (struct span){name, strlen(name)});
    if (place->at == at)
        return;
    place->at = at;
    place->is_changed = true;
    write_next(places);
}

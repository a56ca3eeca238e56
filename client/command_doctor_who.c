/* command_doctor_who.c - the people and devices behind what doctor counts. */
#include <inttypes.h>

#include "client/catalog_circle.h"
#include "client/catalog_fault.h"
#include "client/command_doctor.h"
#include "client/command_home.h"
#include "client/command_people.h"
#include "client/hlc.h"
#include "shared/arena.h"
#include "shared/bech32.h"

enum { SHOWN_MAX = 10, NAME_SHOWN_MAX = 60, SHORT = 4 };

/* One line: what is said of somebody. */
struct note {
    struct store *store;
    struct text members, words;
};

static void clear(struct note *note)
{
    text_clear(&note->members);
    text_clear(&note->words);
}

static void tell(struct diagnosis *diagnosis, const char *about, bool is_well, struct note *note)
{
    doctor_tell(diagnosis, &(struct finding){.about = about,
                                             .is_well = is_well,
                                             .members = text_span(&note->members),
                                             .words = text_span(&note->words)});
    clear(note);
}

/* Those past the first few are only counted. */
static void tell_more(struct diagnosis *diagnosis, const char *about, bool is_well, size_t count)
{
    struct note note = {0};
    if (count <= SHOWN_MAX)
        return;
    text_addf(&note.members, "\"more\":%zu,", count - SHOWN_MAX);
    text_addf(&note.words, "and %zu more", count - SHOWN_MAX);
    tell(diagnosis, about, is_well, &note);
}

static void add_npub(struct text *out, const struct bytes32 *who)
{
    bool ok = bech32_encode(out, &(struct bech32){.type = BECH32_NPUB, .key = *who});
    (void)ok; /* a key alone always has a word */
}

static void add_hex(struct note *note, const char *name, const struct bytes32 *value)
{
    home_write_hex(&note->members, name, value);
    text_add(&note->members, SPAN(","));
}

static void add_who(struct note *note, const struct bytes32 *who)
{
    struct text *out = &note->members;
    add_hex(note, "who", who);
    text_add(out, SPAN("\"npub\":\""));
    add_npub(out, who);
    text_add(out, SPAN("\",\"name\":"));
    people_write_json_name(out, note->store, who);
    text_add(out, SPAN(","));
    people_write_name(&note->words, note->store, who);
    text_add(&note->words, SPAN(", "));
    add_npub(&note->words, who);
}

static void add_time(struct note *note, const char *member, const char *words, uint64_t hlc)
{
    text_addf(&note->members, "\"%s\":%" PRId64 ",", member, hlc_seconds(hlc));
    text_addf(&note->words, "%s", words);
    home_write_time(&note->words, hlc_seconds(hlc));
}

static void add_device(struct note *note, uint64_t device)
{
    text_add(&note->members, SPAN("\"device\":\""));
    hlc_write(&note->members, device);
    text_add(&note->members, SPAN("\","));
    hlc_write(&note->words, device);
}

/* ---- who was removed, and writes on ---- */

static void tell_stray(struct diagnosis *diagnosis, struct store *store,
                       const struct catalog_strays *strays, const struct catalog_stray *stray)
{
    struct note note = {.store = store};
    struct text *words = &note.words;
    add_hex(&note, "circle", &strays->circle);
    text_add(&note.members, SPAN("\"circle_name\":"));
    text_add_json(&note.members, strays->name);
    text_addf(&note.members, ",\"writes\":%" PRIu64 ",", stray->writes);
    if (stray->is_member)
        text_addf(&note.members, "\"role\":\"%s\",", act_role_name(stray->role));
    add_who(&note, &stray->who);
    text_add(words, stray->is_member ? SPAN(", lost a role in ") : SPAN(", was removed from "));
    home_write_words(words, strays->name, NAME_SHOWN_MAX);
    add_time(&note, "removed", " on ", stray->removed);
    text_addf(words, ": %" PRIu64 " writes that this had not seen do not count", stray->writes);
    add_time(&note, "last", ", the last of ", stray->last);
    if (stray->is_member) {
        text_addf(words, "; is in it as %s, and has to write again what is to count",
                  act_role_name(stray->role));
    } else {
        text_add(words, SPAN("; ask them to stop, or let them in again: shoal circle add "));
        text_add_hex(words, strays->circle.at, SHORT);
        text_add(words, SPAN(" "));
        add_npub(words, &stray->who);
    }
    tell(diagnosis, "removed", true, &note); /* they can do so for ever, and to no end */
}

static bool tell_strays(struct diagnosis *diagnosis, struct store *store, struct arena *arena,
                        struct err *err)
{
    struct bytes32 *roots;
    size_t count, told = 0;
    if (!catalog_circles(store, &roots, &count, arena, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct catalog_strays strays;
        if (!catalog_strays(store, &strays, arena, &roots[i], err))
            return false;
        for (size_t j = 0; j < strays.count; j++)
            if (told++ < SHOWN_MAX)
                tell_stray(diagnosis, store, &strays, &strays.at[j]);
    }
    tell_more(diagnosis, "removed", true, told);
    return true;
}

/* ---- who contradicts themselves, or writes as another ---- */

static void add_cause(struct note *note, const struct catalog_clash *clash)
{
    struct text *words = &note->words;
    if (clash->is_foreign && clash->has_owner) {
        add_hex(note, "owner", &clash->owner);
        text_addf(words, ", wrote as client %" PRIu64 ", which is that of ", clash->client);
        people_write_name(words, note->store, &clash->owner);
        text_add(words, SPAN(", "));
        add_npub(words, &clash->owner);
    } else if (clash->is_foreign) {
        text_addf(words, ", wrote as client %" PRIu64 ", and may not write", clash->client);
    } else if (clash->has_device) {
        text_add(words, SPAN(", told two stories by device "));
        add_device(note, clash->device);
    } else {
        text_addf(words, ", told two stories as client %" PRIu64, clash->client);
    }
}

static const char *advice(const struct catalog_clash *clash)
{
    if (clash->is_foreign)
        return "ask them to give their program a client of its own";
    return clash->has_device
               ? "give the copy a number of its own: shoal export there, and shoal import into a "
                 "store that is empty"
               : "give the second program a client of its own";
}

static void tell_clash(struct diagnosis *diagnosis, struct store *store,
                       const struct catalog_clash *clash)
{
    struct note note = {.store = store};
    struct text *words = &note.words;
    add_hex(&note, "text", &clash->root);
    text_addf(&note.members, "\"client\":%" PRIu64 ",\"foreign\":%s,\"updates\":%" PRIu64 ",",
              clash->client, clash->is_foreign ? "true" : "false", clash->updates);
    add_who(&note, &clash->who);
    add_cause(&note, clash);
    text_add(words, SPAN(" in "));
    text_add_hex(words, clash->root.at, SHORT);
    text_addf(words, ": %" PRIu64 " updates do not count; %s", clash->updates, advice(clash));
    tell(diagnosis, "text", false, &note);
}

static bool tell_clashes(struct diagnosis *diagnosis, struct store *store, struct arena *arena,
                         struct err *err)
{
    struct catalog_clashes clashes;
    if (!catalog_clashes(store, &clashes, arena, err))
        return false;
    for (size_t i = 0; i < clashes.count && i < SHOWN_MAX; i++)
        tell_clash(diagnosis, store, &clashes.at[i]);
    tell_more(diagnosis, "text", false, clashes.count);
    return true;
}

/* ---- devices that were copied ---- */

static void tell_twin(struct diagnosis *diagnosis, struct store *store,
                      const struct catalog_twin *twin)
{
    struct note note = {.store = store};
    text_addf(&note.members, "\"numbers\":%" PRIu64 ",", twin->numbers);
    add_who(&note, &twin->who);
    text_add(&note.words, SPAN(", has two stores that are device "));
    add_device(&note, twin->device);
    text_addf(&note.words,
              ": %" PRIu64
              " numbers stand for two events; shoal export from one of them, and shoal "
              "import into a store that is empty, give it a number of its own",
              twin->numbers);
    tell(diagnosis, "device", false, &note);
}

static bool tell_twins(struct diagnosis *diagnosis, struct store *store, struct arena *arena,
                       struct err *err)
{
    struct catalog_twins twins;
    if (!catalog_twins(store, &twins, arena, err))
        return false;
    for (size_t i = 0; i < twins.count && i < SHOWN_MAX; i++)
        tell_twin(diagnosis, store, &twins.at[i]);
    tell_more(diagnosis, "device", false, twins.count);
    return true;
}

bool doctor_tell_who(struct diagnosis *diagnosis, struct store *store, struct arena *arena,
                     struct err *err)
{
    return tell_twins(diagnosis, store, arena, err) && tell_clashes(diagnosis, store, arena, err) &&
           tell_strays(diagnosis, store, arena, err);
}

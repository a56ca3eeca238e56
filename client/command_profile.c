/* shoal profile: what somebody says of himself. */
#include <stdlib.h>

#include "client/canon.h"
#include "client/command_pen.h"
#include "client/command_people.h"
#include "client/draft.h"
#include "client/person.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"
#include "shared/utf8.h"

enum { VALUE_BYTES_MAX = 500, NAME_WIDTH = 12 };

/* One's own, by one's own state, and by what other clients made of it since. */
struct self {
    struct own own;
    struct own_rewrites rewrites;
    struct projection_fields fields, changes; /* what is said; and what of it the state lacks */
};

/* The later of two fields of one name stays. */
static void put_field(struct projection_fields *fields, struct arena *arena,
                      const struct projection_field *field)
{
    for (size_t i = 0; i < fields->count; i++)
        if (span_eq(fields->at[i].key, field->key)) {
            fields->at[i] = *field;
            return;
        }
    fields->at = arena_grow(arena, struct projection_field, fields->at, fields->count);
    fields->at[fields->count++] = *field;
}

static int compare(const void *a, const void *b)
{
    return canon_compare(((const struct projection_field *)a)->key,
                         ((const struct projection_field *)b)->key);
}

/* What is said once changes are made, by name. */
static struct projection_fields applied(struct arena *arena, const struct projection_fields *fields,
                                        const struct projection_fields *changes)
{
    struct projection_fields all = {0}, rest = {0};
    for (size_t i = 0; i < fields->count; i++)
        put_field(&all, arena, &fields->at[i]);
    for (size_t i = 0; i < changes->count; i++)
        put_field(&all, arena, &changes->at[i]);
    for (size_t i = 0; i < all.count; i++)
        if (all.at[i].value.len > 0)
            put_field(&rest, arena, &all.at[i]);
    if (rest.count > 0)
        qsort(rest.at, rest.count, sizeof *rest.at, compare);
    return rest;
}

static bool read_event(struct projection_fields *fields, struct arena *arena,
                       const struct event *event, struct err *err)
{
    struct span content = scan_decode(arena, (struct scan_string){event->content_json, true});
    return projection_read_fields(fields, arena, content, err);
}

/* Takes in what one other client wrote; what is no profile says nothing. */
static void take_in(struct self *self, struct arena *arena, const struct own_rewrite *rewrite)
{
    struct projection_fields base, theirs, changes;
    bool has_base = rewrite->base != NULL && read_event(&base, arena, rewrite->base, NULL);
    if (!read_event(&theirs, arena, rewrite->event, NULL))
        return;
    projection_compare_fields(&changes, arena, has_base ? &base : NULL, &theirs, &self->fields,
                              rewrite->event->created_at);
    for (size_t i = 0; i < changes.count; i++) {
        changes.at[i].written_at = rewrite->event->created_at;
        put_field(&self->changes, arena, &changes.at[i]);
    }
    self->fields = applied(arena, &self->fields, &changes);
}

/* To be given to own_clear. */
static bool load(struct store *store, struct self *self, struct arena *arena,
                 const struct bytes32 *who, struct err *err)
{
    *self = (struct self){0};
    if (!own_load(store, &self->own, arena, who, SPAN("profile"), err))
        return false;
    own_fields(&self->own, &self->fields, arena);
    static const struct own_projection projection = {.kind = KIND_PROFILE};
    if (!own_rewrites(store, &self->rewrites, arena, &self->own, &projection, err)) {
        own_clear(&self->own);
        return false;
    }
    for (size_t i = 0; i < self->rewrites.count; i++)
        take_in(self, arena, &self->rewrites.at[i]);
    return true;
}

/* ---- profile set ---- */

static bool read_word(struct pen *pen, struct projection_fields *changes, const char *word,
                      struct err *err)
{
    struct projection_field field = {0};
    const char *equals = strchr(word, '=');
    bool is_json = equals != NULL && equals > word && equals[-1] == ':';
    field.key = (struct span){word, equals != NULL ? (size_t)(equals - word) - is_json : 0};
    if (field.key.len == 0 || field.key.at[0] == '_' || field.key.len > OP_KEY_BYTES_MAX ||
        !utf8_is(field.key))
        return err_set(err, ERR_INVALID, "expected FIELD=TEXT or FIELD:=JSON, got '%.40s'", word);
    if (!pen_value(pen, &field.value, command_span(equals + 1), is_json, err))
        return false;
    put_field(changes, &pen->arena, &field);
    return true;
}

static bool read_words(struct pen *pen, struct projection_fields *changes, struct err *err)
{
    const char *unset;
    size_t place = 0;
    for (size_t i = 0; i < pen->call->word_count; i++)
        if (!read_word(pen, changes, pen->call->words[i], err))
            return false;
    while ((unset = command_next_value(pen->call, "unset", &place)) != NULL)
        put_field(changes, &pen->arena, &(struct projection_field){.key = command_span(unset)});
    return true;
}

static bool project(struct pen *pen, struct event *shown, const struct self *self,
                    const struct projection_fields *fields, struct err *err)
{
    struct draft draft = {.created_at = pen_now()};
    const struct event *newest = self->rewrites.newest;
    if (newest != NULL && draft.created_at <= newest->created_at)
        draft.created_at = newest->created_at + 1;
    projection_draft_fields(&draft, fields);
    return pen_sign(pen, shown, &draft, err) && pen_put(pen, shown, err);
}

static bool write_self(struct pen *pen, struct text *out, struct self *self, struct err *err)
{
    struct event shown, event;
    struct bytes32 root;
    struct bytes32 *ids = arena_array(&pen->arena, struct bytes32, self->rewrites.count + 1);
    if (!read_words(pen, &self->changes, err))
        return false;
    struct projection_fields all = applied(&pen->arena, &self->fields, &self->changes);
    if (!project(pen, &shown, self, &all, err))
        return false;
    for (size_t i = 0; i < self->rewrites.count; i++)
        ids[i] = self->rewrites.at[i].event->id;
    ids[self->rewrites.count] = shown.id;
    const struct own_edit edit = {
        .type = SPAN("profile"), .fields = self->changes, .shown = {ids, self->rewrites.count + 1}};
    if (!own_write(pen, &self->own, &edit, &root, &event, err))
        return false;
    pen_report(pen, out, &root, &shown.id);
    return true;
}

static bool set(struct pen *pen, struct text *out, struct err *err)
{
    struct self self;
    if (!load(pen->store, &self, &pen->arena, pen_me(pen), err))
        return false;
    bool ok = write_self(pen, out, &self, err);
    own_clear(&self.own);
    return ok;
}

/* ---- profile show ---- */

static void add_field(struct text *out, const struct projection_field *field)
{
    struct arena arena = {0};
    bool is_string = field->value.at[0] == '"';
    size_t begin = out->len;
    home_write_words(out, field->key, VALUE_BYTES_MAX);
    do
        text_add(out, SPAN(" "));
    while (out->len - begin < NAME_WIDTH);
    struct scan_string string = {{field->value.at + 1, field->value.len - 2}, true};
    home_write_words(out, is_string ? scan_decode(&arena, string) : field->value, VALUE_BYTES_MAX);
    text_add(out, SPAN("\n"));
    arena_clear(&arena);
}

static void write_profile(struct text *out, const struct command_call *call,
                          const struct bytes32 *who, const struct projection_fields *fields)
{
    struct draft draft = {0};
    if (call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "pubkey", who);
        projection_draft_fields(&draft, fields);
        text_add(out, SPAN(",\"profile\":"));
        text_add(out, text_span(&draft.content));
        text_add(out, SPAN("}\n"));
        draft_clear(&draft);
        return;
    }
    text_addf(out, "%-*s", NAME_WIDTH, "pubkey");
    text_add_hex(out, who->at, sizeof who->at);
    text_add(out, SPAN("\n"));
    for (size_t i = 0; i < fields->count; i++)
        add_field(out, &fields->at[i]);
}

static bool show(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err)
{
    struct arena arena = {0};
    struct bytes32 who;
    struct self self = {0};
    bool ok = (call->word_count > 0 ? person_parse(&who, command_span(call->words[0]), err)
                                    : people_me(store, &who, call, err)) &&
              load(store, &self, &arena, &who, err);
    if (ok && self.fields.count == 0 && self.rewrites.newest == NULL)
        ok = err_set(err, ERR_INVALID, "no profile of theirs is here: shoal fetch --author WHO");
    if (ok)
        write_profile(out, call, &who, &self.fields);
    own_clear(&self.own);
    arena_clear(&arena);
    return ok;
}

static const struct command_option options_set[] = {
    {"unset", "FIELD", "say no more of it; may be repeated"}, PEN_OPTIONS};

const struct command command_profile_set = {
    .name = "profile set",
    .words = "[FIELD=TEXT | FIELD:=JSON]...",
    .help = "say who you are: name, about, picture, nip05; and take over what other clients said",
    .words_max = COMMAND_WORDS_MAX,
    .options = options_set,
    .option_count = ARRAY_LEN(options_set),
    .write = set};

static const struct command_option options_show[] = {PEOPLE_OPTION_AS, HOME_OPTION,
                                                     COMMAND_OPTION_JSON};

const struct command command_profile_show = {.name = "profile show",
                                             .words = "[WHO]",
                                             .help = "what you, or others, say of themselves",
                                             .words_max = 1,
                                             .options = options_show,
                                             .option_count = ARRAY_LEN(options_show),
                                             .look = show};

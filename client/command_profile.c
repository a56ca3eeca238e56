/* shoal profile: what somebody says of himself. */
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

static bool read_event(struct projection_fields *fields, struct arena *arena,
                       const struct event *event, struct err *err)
{
    struct span content = scan_decode(arena, (struct scan_string){event->content_json, true});
    return projection_read_fields(fields, arena, content, err);
}

static const struct own_saying saying = {
    .type = {"profile", 7}, .kind = KIND_PROFILE, .read = read_event};

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
    projection_put_field(changes, &pen->arena, &field);
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
        projection_put_field(changes, &pen->arena,
                             &(struct projection_field){.key = command_span(unset)});
    return true;
}

static bool write_self(struct pen *pen, struct text *out, struct own_self *self, struct err *err)
{
    struct draft draft = {0};
    struct event shown;
    if (!read_words(pen, &self->changes, err))
        return false;
    const struct projection_fields all =
        projection_apply_fields(&pen->arena, &self->fields, &self->changes);
    projection_draft_fields(&draft, &all);
    if (!own_say(pen, self, &saying, &draft, &shown, err))
        return false;
    pen_report(pen, out, &self->root, &shown.id);
    return true;
}

static bool set(struct pen *pen, struct text *out, struct err *err)
{
    struct own_self self;
    if (!own_self(pen->store, &self, &pen->arena, pen_me(pen), &saying, err))
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
    struct own_self self = {0};
    bool ok = (call->word_count > 0 ? person_parse(&who, command_span(call->words[0]), err)
                                    : people_me(store, &who, call, err)) &&
              own_self(store, &self, &arena, &who, &saying, err);
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
                                             .words = "[WHO... | -]",
                                             .help = "what you, or others, say of themselves",
                                             .words_max = COMMAND_WORDS_MAX,
                                             .options = options_show,
                                             .option_count = ARRAY_LEN(options_show),
                                             .look = show,
                                             .lines = COMMAND_LINES_WORD};

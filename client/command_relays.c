/* shoal remote publish: which relays others find one at. */
#include "client/command_own.h"
#include "client/command_pen.h"
#include "client/draft.h"
#include "client/state.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "shared/url.h"

static bool read_event(struct projection_fields *relays, struct arena *arena,
                       const struct event *event, struct err *err)
{
    (void)err;
    projection_read_relays(relays, arena, event);
    return true;
}

static const struct own_saying saying = {
    .type = {"relays", 6}, .kind = KIND_RELAY_LIST, .read = read_event};

static bool is_said(const struct pen *pen, const struct own_self *self, struct span key)
{
    const struct state_field *field = own_field(&self->own, key);
    const struct projection_field *change = projection_field(&self->changes, key);
    bool is_named = pen->call->word_count > 0; /* then it counts no more that it was dropped */
    if (change != NULL)
        return change->value.len > 0 || !is_named;
    return field != NULL && (field->value.len > 0 || !is_named);
}

/* Says that it is one of ours, for both ways, unless something is said of it. */
static bool add(struct pen *pen, struct own_self *self, struct span url, struct err *err)
{
    struct projection_field field = {.value = SPAN("\"\"")};
    if (!projection_relay(&field.key, &pen->arena, url, err))
        return false;
    if (!is_said(pen, self, field.key))
        projection_put_field(&self->changes, &pen->arena, &field);
    return true;
}

/* Nobody else finds it there. */
static bool is_local(struct span text)
{
    struct url url;
    return url_parse(&url, text, NULL) &&
           (strcmp(url.host, "localhost") == 0 || strcmp(url.host, "::1") == 0 ||
            strncmp(url.host, "127.", strlen("127.")) == 0);
}

static bool add_all(struct pen *pen, struct own_self *self, struct err *err)
{
    struct span *urls;
    size_t count;
    for (size_t i = 0; i < pen->call->word_count; i++)
        if (!add(pen, self, command_span(pen->call->words[i]), err))
            return false;
    if (pen->call->word_count > 0)
        return true;
    if (!store_relays(pen->store, &urls, &count, &pen->arena, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!is_local(urls[i]) && !add(pen, self, urls[i], err))
            return false;
    return true;
}

static bool unset_all(struct pen *pen, struct own_self *self, struct err *err)
{
    const char *word;
    size_t place = 0;
    struct projection_field field = {0};
    while ((word = command_next_value(pen->call, "unset", &place)) != NULL) {
        if (!projection_relay(&field.key, &pen->arena, command_span(word), err))
            return false;
        projection_put_field(&self->changes, &pen->arena, &field);
    }
    return true;
}

static bool say(struct pen *pen, struct text *out, struct own_self *self, struct err *err)
{
    struct draft draft = {0};
    struct event shown;
    if (!add_all(pen, self, err) || !unset_all(pen, self, err))
        return false;
    const struct projection_fields all =
        projection_apply_fields(&pen->arena, &self->fields, &self->changes);
    if (all.count == 0 && self->rewrites.newest == NULL)
        return err_set(err, ERR_INVALID, "no relay to name: shoal remote add");
    projection_draft_relays(&draft, &all, self->rewrites.newest);
    if (!own_say(pen, self, &saying, &draft, &shown, err))
        return false;
    pen_report(pen, out, &self->root, &shown.id);
    return true;
}

static bool publish(struct pen *pen, struct text *out, struct err *err)
{
    struct own_self self;
    if (!own_self(pen->store, &self, &pen->arena, pen_me(pen), &saying, err))
        return false;
    bool ok = say(pen, out, &self, err);
    own_clear(&self.own);
    return ok;
}

static const struct command_option options[] = {
    {"unset", "RELAY", "name it no more, until it is named here again; may be repeated"},
    PEN_OPTIONS};

const struct command command_remote_publish = {
    .name = "remote publish",
    .words = "[RELAY...]",
    .help =
        "tell others where to find you: at your relays, or these, too; and take over what other "
        "clients changed",
    .words_max = COMMAND_WORDS_MAX,
    .options = options,
    .option_count = ARRAY_LEN(options),
    .write = publish};

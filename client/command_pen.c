#include "client/command_pen.h"

#include <stdio.h>

#include "client/command_turn.h"
#include "client/holder.h"
#include "shared/err.h"
#include "shared/text.h"
#include "shared/utf8.h"

/* What is written in every turn; once where there are none. */
static bool write_turns(struct pen *pen, struct text *out, pen_fn *write,
                        struct command_turns *turns, struct err *err)
{
    bool is_turn = true;
    if (turns == NULL)
        return write(pen, out, err);
    while (command_turn(turns, &is_turn, err)) {
        if (!is_turn)
            return true;
        if (!write(pen, out, err))
            return false;
        turns->call->turn++;
    }
    return false;
}

/* Reading, deciding and writing are one transaction. */
static bool write_whole(const struct command_call *call, struct holder *holder, struct text *out,
                        pen_fn *write, struct command_turns *turns, struct err *err)
{
    struct pen pen = {.call = call, .holder = holder, .now_ms = home_now()};
    struct span *relays = NULL;
    pen.store = home_store(call, err);
    bool ok = pen.store != NULL && store_begin(pen.store, err) &&
              home_relays(pen.store, &relays, &pen.relay_count, &pen.arena, call, err);
    pen.relays = relays;
    pen.has_named_relays = command_value(call, "relay") != NULL;
    ok = ok && write_turns(&pen, out, write, turns, err) && home_commit(pen.store, call, err);
    store_close(pen.store);
    arena_clear(&pen.arena);
    return ok;
}

bool pen_write(const struct command_call *call, struct holder *holder, struct text *out,
               pen_fn *write, struct err *err)
{
    return write_whole(call, holder, out, write, NULL, err);
}

enum command_status pen_run(struct command_call *call, pen_fn *write)
{
    struct text out = {0};
    struct err err;
    enum command_status status;
    struct holder *holder = command_holder(call, &status);
    if (holder == NULL)
        return status;
    struct command_turns turns = command_turns(call);
    status = write_whole(call, holder, &out, write, &turns, &err) ? command_print(call, &out)
                                                                  : command_fail(call, &err);
    command_turns_end(&turns);
    text_clear(&out);
    holder_free(holder);
    return status;
}

int64_t pen_now(void)
{
    return (int64_t)(home_now() / 1000);
}

/* All of standard input, or one byte more than there may be. */
static void read_input(struct text *out)
{
    size_t got = 1;
    while (got > 0 && out->len <= PEN_TEXT_BYTES_MAX) {
        got = fread(text_reserve(out, 4096), 1, 4096, stdin);
        out->len += got;
    }
    while (out->len > 0 && out->at[out->len - 1] == '\n')
        out->len--;
}

bool pen_text(struct pen *pen, struct span *text, size_t first, struct err *err)
{
    const struct command_call *call = pen->call;
    struct text out = {0};
    if (!call->is_inner && call->word_count == first + 1 && strcmp(call->words[first], "-") == 0)
        read_input(&out);
    else
        for (size_t i = first; i < call->word_count; i++)
            text_addf(&out, "%s%s", i > first ? " " : "", call->words[i]);
    *text = arena_copy(&pen->arena, text_span(&out));
    text_clear(&out);
    if (text->len == 0)
        return err_set(err, ERR_INVALID, "no text");
    if (text->len > PEN_TEXT_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a text of over %d bytes", PEN_TEXT_BYTES_MAX);
    return utf8_is(*text) || err_set(err, ERR_INVALID, "a text that is not UTF-8");
}

void pen_report(const struct pen *pen, struct text *out, const struct bytes32 *id,
                const struct bytes32 *event)
{
    if (pen->call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "id", id);
        text_add(out, SPAN(","));
        home_write_hex(out, "event", event);
        text_addf(out, ",\"queued\":%zu%s}", pen->queued,
                  command_value(pen->call, "dry-run") != NULL ? ",\"dry_run\":true" : "");
    } else {
        text_add_hex(out, id->at, sizeof id->at);
    }
    text_add(out, SPAN("\n"));
}

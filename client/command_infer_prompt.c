/* What is asked: the words, a file, and its parts. */
#include "client/command_infer.h"
#include "client/slice.h"
#include "shared/err.h"
#include "shared/utf8.h"

enum { PROMPT_BYTES_MAX = 1 << 20, PARTS_MAX = 4096 };

/* instruction: what stands before each part; len 0: nothing. */
static bool read_text(struct infer *infer, struct span *text, struct span *instruction,
                      struct err *err)
{
    const struct command_call *call = infer->call;
    const char *file = command_value(call, "file");
    const char *word = call->word_count > 0 ? call->words[0] : NULL;
    bool is_input = file == NULL && word != NULL && strcmp(word, "-") == 0;
    *instruction = (struct span){"", 0};
    *text = command_span(word != NULL ? word : "");
    if (file == NULL && word == NULL)
        return err_set(err, ERR_INVALID, "expected a prompt, or --file");
    if (file != NULL)
        *instruction = *text;
    const struct home_file input = {call, is_input ? "-" : file, PROMPT_BYTES_MAX};
    if ((file != NULL || is_input) && !home_read_file(text, &infer->arena, &input, err))
        return false;
    return (text->len > 0 && utf8_is(*text) && utf8_is(*instruction)) ||
           err_set(err, ERR_INVALID, "expected a prompt, as UTF-8");
}

static struct span join(struct arena *arena, struct span instruction, struct span part)
{
    struct text text = {0};
    if (instruction.len == 0)
        return part;
    text_add(&text, instruction);
    text_add(&text, SPAN("\n\n"));
    text_add(&text, part);
    struct span joined = arena_copy(arena, text_span(&text));
    text_clear(&text);
    return joined;
}

static bool slice_text(struct infer *infer, const struct slice *slice, struct span text,
                       struct span instruction, struct err *err)
{
    struct span *prompts = NULL;
    struct span piece;
    while (slice_next(slice, &piece, &text)) {
        if (slice->way != SLICE_NONE)
            piece = slice_trim(piece);
        if (piece.len == 0)
            continue;
        if (infer->prompt_count == PARTS_MAX)
            return err_set(err, ERR_INVALID, "over %d parts", PARTS_MAX);
        prompts = arena_grow(&infer->arena, struct span, prompts, infer->prompt_count);
        prompts[infer->prompt_count++] = join(&infer->arena, instruction, piece);
        if (prompts[infer->prompt_count - 1].len > infer->prompt.len)
            infer->prompt = prompts[infer->prompt_count - 1];
    }
    infer->prompts = prompts;
    return infer->prompt_count > 0 || err_set(err, ERR_INVALID, "there are no words in it");
}

bool infer_read_prompts(struct infer *infer, struct err *err)
{
    const char *how = command_value(infer->call, "split");
    struct span text, instruction;
    struct slice slice;
    return slice_read(&slice, command_span(how != NULL ? how : "none"), err) &&
           read_text(infer, &text, &instruction, err) &&
           slice_text(infer, &slice, text, instruction, err);
}

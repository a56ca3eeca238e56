#include "relay/transfer_block.h"

#include "shared/kind.h"
#include "shared/sig.h"

static bool is_blank(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if (strchr(" \t\r", line.at[i]) == NULL)
            return false;
    return true;
}

void transfer_block_read(struct transfer_block *block, struct transfer_lines *lines,
                         int64_t skip_lines, size_t line_bytes_max)
{
    size_t bytes = 0;
    struct span line;
    bool too_long;
    arena_clear(&block->arena);
    block->count = 0;
    while (block->count < TRANSFER_BLOCK_LINES_MAX && bytes < TRANSFER_BLOCK_BYTES_MAX &&
           (block->count == 0 || transfer_lines_at_hand(lines)) &&
           transfer_lines_next(lines, &line, &too_long)) {
        if (lines->number <= skip_lines || is_blank(line))
            continue;
        struct transfer_item *item = &block->items[block->count++];
        *item = (struct transfer_item){.number = lines->number, .fate = TRANSFER_GOOD};
        if (too_long || line.len > line_bytes_max) {
            err_fill(&item->err, ERR_INVALID,
                     "the line is longer than message_bytes_max, %zu bytes", line_bytes_max);
            item->fate = TRANSFER_REFUSED;
            continue;
        }
        item->line = arena_copy(&block->arena, line);
        bytes += line.len;
    }
    block->bytes = lines->bytes;
}

static bool check(struct transfer_item *item, struct arena *arena, bool skip_verify)
{
    const struct event *event = &item->event;
    if (!event_parse(&item->event, arena, item->line, &item->err))
        return false;
    if (skip_verify)
        return true;
    if (!event_check_id(event))
        return err_set(&item->err, ERR_INVALID, "the id is not the hash of the event");
    if (!sig_verify(&event->sig, &event->id, &event->pubkey))
        return err_set(&item->err, ERR_INVALID, "the signature is not the author's");
    return true;
}

void transfer_block_judge(struct transfer_block *block, bool skip_verify, int64_t now)
{
    for (uint32_t i = 0; i < block->count; i++) {
        struct transfer_item *item = &block->items[i];
        int64_t expires_at;
        if (item->fate == TRANSFER_REFUSED)
            continue;
        if (!check(item, &block->arena, skip_verify))
            item->fate = TRANSFER_REFUSED;
        else if (kind_class(item->event.kind) == KIND_EPHEMERAL)
            item->fate = TRANSFER_EPHEMERAL;
        else if (event_expiration(&item->event, &expires_at) && expires_at <= now)
            item->fate = TRANSFER_EXPIRED;
    }
}

#include "relay/frame.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/event.h"
#include "shared/text.h"

struct frame *frame_new(struct span bytes)
{
    assert(bytes.len <= UINT32_MAX);
    struct frame *frame = malloc(sizeof *frame + bytes.len);
    if (frame == NULL)
        abort();
    frame->refs = 1;
    frame->len = (uint32_t)bytes.len;
    if (bytes.len > 0)
        memcpy(frame->at, bytes.at, bytes.len);
    return frame;
}

struct frame *frame_of_event(const struct event *event)
{
    struct text text = {0};
    event_write(&text, event);
    struct frame *frame = frame_new(text_span(&text));
    text_clear(&text);
    return frame;
}

struct frame *frame_ref(struct frame *frame)
{
    frame->refs++;
    return frame;
}

void frame_drop(struct frame *frame)
{
    assert(frame->refs > 0);
    if (--frame->refs == 0)
        free(frame);
}

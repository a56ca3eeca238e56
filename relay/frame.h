/* frame.h - bytes on their way to many sessions: encoded once, counted.
 *
 * The one refcounted thing in the relay.
 *
 *   ownership  frame_new gives one reference; each frame_ref needs a frame_drop
 *   threads    loop thread only: the count is not atomic
 */
#pragma once

#include "shared/base.h"

struct event;

struct frame {
    uint32_t refs;
    uint32_t len;
    char at[];
};

struct frame *frame_new(struct span bytes);

/* The event's JSON: what stands between ["EVENT","sub", and ]. */
struct frame *frame_of_event(const struct event *event);

struct frame *frame_ref(struct frame *frame);
void frame_drop(struct frame *frame);

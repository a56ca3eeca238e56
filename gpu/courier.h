/* courier.h - answers that go over relays as they are made: who follows a job is sent its windows,
 * each when it is there, and at the end what inquiry.h tells of it, with the whole text.
 *
 * A window is a rumor of kind 28431, in an ephemeral gift wrap: ["e", quote], ["seq", n], and on
 * the last one ["last", how many]; one that is empty where the last window had been sent before.
 *
 *   ownership  courier_close, after which nothing is sent; what is at the database still is freed
 *              when the loop has run on. The setup is borrowed
 *   threads    loop thread only
 *   bounds     COURIER_FOLLOWS_MAX jobs are followed at once; who comes later is told how it stands
 */
#pragma once

#include <uv.h>

#include "gpu/desk.h"

struct courier;
struct inquiry;
struct uuid;

enum { COURIER_FOLLOWS_MAX = 256 };

struct courier_setup {
    uv_loop_t *loop;
    struct desk *desk;
    const struct inquiry *inquiry;
};

struct courier *courier_open(const struct courier_setup *setup);
void courier_close(struct courier *courier); /* may be NULL */

/* Whether it is a question of the courier's, which answers it later: as desk_setup.take. */
bool courier_take(struct courier *courier, const struct desk_question *question, struct span id);

/* The order of that quote has changed; NULL: any may have. */
void courier_ring(struct courier *courier, const struct uuid *quote);

/* Whether the database is asked nothing right now. May be NULL. */
bool courier_is_idle(const struct courier *courier);

#include "ops/bench/crowd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ops/bench/fatal.h"
#include "ops/bench/usage.h"

enum { TURN_EVENTS = 512, TURN_NS_MAX = 200000000, SPARE_FILES = 64 };

static void allow_files(rlim_t files)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= files)
        return;
    limit.rlim_cur = files;
    if (limit.rlim_max < files)
        limit.rlim_max = files;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        fatal("cannot open %lu files", files);
}

static void watch(struct crowd *crowd, struct member *member, int operation, bool waits)
{
    struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0U), .data.ptr = member};
    if (epoll_ctl(crowd->epoll, operation, member->socket, &event) != 0)
        fatal("epoll: %s", strerror(errno));
    crowd->waits[member->number] = waits;
}

void crowd_open(struct crowd *crowd, const char *url, uint32_t count, member_message_fn *on_message,
                void *owner)
{
    struct member_url parsed = member_parse_url(url);
    allow_files(count + SPARE_FILES);
    *crowd = (struct crowd){
        .epoll = epoll_create1(EPOLL_CLOEXEC),
        .members = fatal_alloc(count, sizeof *crowd->members),
        .waits = fatal_alloc(count, sizeof *crowd->waits),
        .count = count,
        .open = count,
        .reader = member_reader_new(on_message, owner),
    };
    for (uint32_t i = 0; i < count; i++) {
        crowd->members[i].number = i;
        member_open(&crowd->members[i], &parsed);
        watch(crowd, &crowd->members[i], EPOLL_CTL_ADD, false);
    }
}

void crowd_close(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->count; i++)
        member_close(&crowd->members[i]);
    close(crowd->epoll);
    free(crowd->members);
    free(crowd->waits);
    free(crowd->reader.buffer);
}

void crowd_flush(struct crowd *crowd, struct member *member)
{
    bool waits = !member_flush(member);
    if (member->socket >= 0 && waits != crowd->waits[member->number])
        watch(crowd, member, EPOLL_CTL_MOD, waits);
}

static void serve(struct crowd *crowd, const struct epoll_event *event)
{
    struct member *member = event->data.ptr;
    if (member->socket >= 0 && (event->events & EPOLLOUT) != 0)
        crowd_flush(crowd, member);
    if (member->socket >= 0 && (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        member_read(member, &crowd->reader);
    if (member->socket < 0)
        crowd->open--;
}

static void turn(struct crowd *crowd, const struct crowd_task *task)
{
    static struct epoll_event events[TURN_EVENTS];
    uint64_t wait_ns = task->work != NULL ? task->work(task->owner) : TURN_NS_MAX;
    struct timespec wait = {.tv_nsec = (long)(wait_ns < TURN_NS_MAX ? wait_ns : TURN_NS_MAX)};
    int count = epoll_pwait2(crowd->epoll, events, TURN_EVENTS, &wait, NULL);
    for (int i = 0; i < count; i++)
        serve(crowd, &events[i]);
}

bool crowd_run(struct crowd *crowd, const struct crowd_task *task, uint64_t *ended_ns)
{
    uint64_t seen = crowd->reader.messages;
    uint64_t received_ns = usage_now_ns();
    while (!task->is_done(task->owner)) {
        turn(crowd, task);
        *ended_ns = received_ns;
        if (crowd->open < crowd->count) {
            fprintf(stderr, "bench: the relay closed %u connections\n", crowd->count - crowd->open);
            return false;
        }
        if (crowd->reader.messages != seen) {
            seen = crowd->reader.messages;
            received_ns = usage_now_ns();
        } else if ((double)(usage_now_ns() - received_ns) > task->stall_s * 1e9) {
            fprintf(stderr, "bench: nothing came for %.0f s\n", task->stall_s);
            return false;
        }
    }
    *ended_ns = usage_now_ns();
    return true;
}

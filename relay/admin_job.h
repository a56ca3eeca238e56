/* admin_job.h - one management request on its way, as its methods see it.
 *
 *   ownership  a job ends with admin_finish or admin_fail, exactly once
 *   threads    loop thread only
 */
#pragma once

#include "relay/admin.h"
#include "relay/control_db.h"
#include "relay/list.h"
#include "relay/rpc.h"
#include "relay/ticket.h"
#include "shared/arena.h"
#include "shared/err.h"

enum { ADMIN_SHARDS_MAX = 64 };

struct admin_job {
    struct admin *admin;
    struct admin_wait *wait; /* NULL: nobody waits any more */
    struct list_node listed;
    struct arena arena;
    struct ticket ticket;
    struct span body;
    struct bytes32 caller;
    struct rpc rpc;
    int64_t now;          /* unix seconds */
    uint64_t deadline_ms; /* of the loop's clock: true is answered then. 0: none */
    void *owned;          /* of the method, freed with it */
};

struct admin {
    uv_loop_t *loop;
    uv_timer_t tick;
    struct admin_setup setup;
    struct list jobs;
    struct list purges;                 /* to be done once more; admin_purge.c */
    bool is_resumed;                    /* those that others have planned are among them */
    struct list surveys;                /* on their way; admin_survey.c */
    struct db *links[ADMIN_SHARDS_MAX]; /* by shard; NULL: none */
    uint64_t surveyed_ms;               /* when somebody asked last */
};

/* Result: JSON. */
void admin_finish(struct admin_job *job, struct span result);
void admin_fail(struct admin_job *job, int status, const struct err *why);
void admin_refuse(struct admin_job *job, int status, const char *text);

/* admin_methods.c: calls the method, if the caller may. */
void admin_run(struct admin_job *job);

/* Puts or drops the item that word stands for, then finishes the job. */
void admin_change(struct admin_job *job, bool puts, struct control_item *item, struct span word);

/* Whether the pubkey may call something. */
bool admin_knows(const struct admin *admin, const struct bytes32 *pubkey);
bool admin_may_call(const struct admin *admin, const struct bytes32 *pubkey, struct span method);

/* admin_session.c: the proof is used, once; then runs the job. */
void admin_use_ticket(struct admin_job *job);
void admin_login(struct admin_job *job);
void admin_logout(struct admin_job *job);

/* admin_purge.c: what a ban concerns goes, now and once more soon after, for what was on its way.
 * It is planned before the ban is made, in the database: whoever starts later does what nobody has
 * ended. The job is finished. */
void admin_plan_purge(struct admin *admin, const struct control_item *ban);
void admin_purge(struct admin *admin, enum control_list list, struct span name,
                 struct admin_job *job);
void admin_purge_tick(struct admin *admin);
void admin_purge_clear(struct admin *admin);

/* admin_survey.c: asks every shard, and has admin_say_stats answer. Ended, it asks nobody. */
void admin_show_stats(struct admin_job *job);
void admin_survey_tick(struct admin *admin);
void admin_survey_end(struct admin *admin);

/* admin_stats.c; stored: JSON */
void admin_say_stats(struct admin_job *job, struct span stored);
void admin_show_config(struct admin_job *job);

/* admin_reports.c */
void admin_list_reports(struct admin_job *job);

/* admin_roles.c */
void admin_create_role(struct admin_job *job);
void admin_edit_role(struct admin_job *job);
void admin_delete_role(struct admin_job *job);
void admin_assign_role(struct admin_job *job);
void admin_unassign_role(struct admin_job *job);
void admin_list_roles(struct admin_job *job);

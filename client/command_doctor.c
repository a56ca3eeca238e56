/* shoal doctor: what is wrong, and what to do. */
#include "client/command_doctor.h"

#include <stdio.h>
#include <sys/statvfs.h>

#include "client/catalog.h"
#include "client/catalog_fault.h"
#include "client/command_checkpoint.h"
#include "client/command_home.h"
#include "client/outbox.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"

enum { FREE_BYTES_MIN = 64 * 1024 * 1024, CHECKPOINTS_MAX = 200 };

void doctor_tell(struct diagnosis *diagnosis, const struct finding *finding)
{
    struct text *out = &diagnosis->out;
    diagnosis->is_ill = diagnosis->is_ill || !finding->is_well;
    if (diagnosis->call->is_json) {
        text_addf(out, "{\"about\":\"%s\",\"ok\":%s,%.*s\"says\":", finding->about,
                  finding->is_well ? "true" : "false", SPAN_ARG(finding->members));
        text_add_json(out, finding->words);
        text_add(out, SPAN("}\n"));
    } else {
        text_addf(out, "%-6s%-12s%.*s\n", finding->is_well ? "ok" : "LOOK", finding->about,
                  SPAN_ARG(finding->words));
    }
}

static void tell(struct diagnosis *diagnosis, bool is_well, const char *about, const char *words)
{
    doctor_tell(diagnosis, &(struct finding){
                               .about = about, .is_well = is_well, .words = command_span(words)});
}

static void tell_disk(struct diagnosis *diagnosis)
{
    char folder[STORE_PATH_MAX], words[200];
    struct statvfs disk;
    if (!store_folder(folder, command_value(diagnosis->call, "home"), NULL) ||
        statvfs(folder, &disk) != 0)
        return;
    uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
    snprintf(words, sizeof words, "%llu MB free%s%.100s%s",
             (unsigned long long)free_bytes / 1000000, free_bytes < FREE_BYTES_MIN ? " for " : "",
             free_bytes < FREE_BYTES_MIN ? folder : "",
             free_bytes < FREE_BYTES_MIN ? ": make room; what is here stays" : "");
    tell(diagnosis, free_bytes >= FREE_BYTES_MIN, "disk", words);
}

static void tell_counts(struct diagnosis *diagnosis, const struct catalog_counts *counts)
{
    char words[192];
    struct text when = {0};
    if (counts->quarantined > 0)
        home_write_time(&when, (int64_t)(counts->due_ms / 1000));
    snprintf(words, sizeof words,
             "%llu events are dated ahead of this clock%s%.*s: they count when their time comes, "
             "if the clock is right",
             (unsigned long long)counts->quarantined,
             counts->quarantined > 0 ? ", the first until " : "", SPAN_ARG(when));
    tell(diagnosis, counts->quarantined == 0, "clock",
         counts->quarantined > 0 ? words : "nothing is dated ahead of it");
    text_clear(&when);
    snprintf(words, sizeof words,
             "%llu events are not here that others come after; %llu wait: sync fetches them",
             (unsigned long long)counts->missing, (unsigned long long)counts->waiting);
    tell(diagnosis, counts->missing == 0, "history",
         counts->missing > 0 ? words : "nothing is missing");
    snprintf(words, sizeof words,
             "%llu text updates contradict others of the same device: the lower id counts; a "
             "device was copied, or a program writes as another",
             (unsigned long long)counts->contradictions);
    tell(diagnosis, counts->contradictions == 0, "texts",
         counts->contradictions > 0 ? words : "no device contradicts itself");
}

/* Anybody can write those, so they are no reason to look. */
static void tell_idle(struct diagnosis *diagnosis, uint64_t idle)
{
    char words[192];
    snprintf(words, sizeof words,
             "%llu events do nothing: garbage, or of somebody who may not write there; nothing "
             "depends on them",
             (unsigned long long)idle);
    tell(diagnosis, true, "others", idle > 0 ? words : "nothing is here that may not be");
}

static void tell_devices(struct diagnosis *diagnosis, size_t ill)
{
    char words[192];
    snprintf(words, sizeof words,
             "%zu devices counted twice: two copies of a store write under one name; nothing is "
             "lost, all of it counts",
             ill);
    tell(diagnosis, ill == 0, "devices", ill > 0 ? words : "each counts its own events once");
}

static void tell_outbox(struct diagnosis *diagnosis, uint64_t queued, uint64_t refused)
{
    char words[192];
    snprintf(words, sizeof words, "%llu wait to be sent, %llu were refused%s",
             (unsigned long long)queued, (unsigned long long)refused,
             refused > 0 ? ": shoal queue says why, shoal queue retry tries again" : "");
    tell(diagnosis, refused == 0, "outbox", words);
}

static void tell_checkpoints(struct diagnosis *diagnosis, const struct checkpoint_tally *tally)
{
    char words[192];
    snprintf(words, sizeof words, "%zu of %zu are not what their events come to: %s", tally->wrong,
             tally->right + tally->wrong + tally->open,
             "shoal checkpoint verify says which, and whose they are");
    tell(diagnosis, tally->wrong == 0, "checkpoints",
         tally->wrong > 0 ? words : "none that is here is wrong");
}

static bool diagnose(struct diagnosis *diagnosis, struct store *store, struct arena *arena,
                     struct err *err)
{
    struct catalog_counts counts;
    struct catalog_twins twins;
    struct checkpoint_tally checkpoints;
    struct text words = {0};
    uint64_t queued, refused;
    if (!store_check(store, &words, err)) {
        text_clear(&words);
        return false;
    }
    bool is_whole = words.len == 0;
    text_clear(&words);
    tell(diagnosis, is_whole, "store",
         is_whole ? "the database is whole" : "damaged: shoal fsck says where");
    tell_disk(diagnosis);
    if (!catalog_counts(store, &counts, err) || !catalog_twins(store, &twins, arena, err) ||
        !outbox_count(store, &queued, &refused, err) ||
        !checkpoint_tally(store, &checkpoints, CHECKPOINTS_MAX, err))
        return false;
    tell_checkpoints(diagnosis, &checkpoints);
    tell_counts(diagnosis, &counts);
    tell_devices(diagnosis, twins.count);
    tell_idle(diagnosis, counts.idle);
    if (!doctor_tell_who(diagnosis, store, arena, err))
        return false;
    tell_outbox(diagnosis, queued, refused);
    return true;
}

static enum command_status run_doctor(struct command_call *call)
{
    struct arena arena = {0};
    struct diagnosis diagnosis = {.call = call};
    struct err err;
    enum command_status status;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    bool ok = diagnose(&diagnosis, store, &arena, &err);
    status = command_print(call, &diagnosis.out);
    if (!ok)
        status = command_fail(call, &err);
    else if (diagnosis.is_ill)
        status = COMMAND_FAILED;
    store_close(store);
    arena_clear(&arena);
    return status;
}

static const struct command_option options_look[] = {HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_doctor = {.name = "doctor",
                                       .help = "look for what is wrong, and say what to do",
                                       .options = options_look,
                                       .option_count = ARRAY_LEN(options_look),
                                       .run = run_doctor};

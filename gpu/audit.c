#include "gpu/audit.h"

#include "gpu/cluster.h"
#include "gpu/ledger_audit.h"
#include "shared/err.h"

enum { STATEMENT_MS_MAX = 24 * 3600 * 1000 };

static bool audit_at(const char *conninfo, bool is_json, struct text *out, bool *is_sound,
                     struct err *err)
{
    const struct database_setup setup = {.conninfo = conninfo,
                                         .connections = 1,
                                         .statement_ms_max = STATEMENT_MS_MAX,
                                         .only_reads = true};
    struct database *database = database_open(&setup, err);
    struct ledger_audit audit;
    struct fault fault;
    if (database == NULL)
        return false;
    struct ledger *ledger = ledger_open(database);
    bool is_done = ledger_audit(ledger, &audit, &fault);
    ledger_close(ledger);
    database_close(database);
    if (!is_done)
        return err_set(err, ERR_INTERNAL, "%s", fault.text);
    (is_json ? ledger_audit_write_json : ledger_audit_write)(&audit, out);
    *is_sound = audit.difference_count == 0;
    ledger_audit_clear(&audit);
    return true;
}

bool audit_run(const struct audit_options *options, struct text *out, bool *is_sound,
               struct err *err)
{
    if (options->database != NULL)
        return audit_at(options->database, options->is_json, out, is_sound, err);
    if (!cluster_is_there(options->data))
        return err_set(err, ERR_INVALID, "no node keeps its data in %.60s", options->data);
    struct cluster *cluster = cluster_open(options->data, err);
    if (cluster == NULL)
        return false;
    bool is_done = audit_at(cluster_conninfo(cluster), options->is_json, out, is_sound, err);
    cluster_close(cluster);
    return is_done;
}

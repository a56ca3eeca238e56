#include "tests/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/scratch.h"
#include "tests/test.h"

static void run(const char *command)
{
    int status = system(command); /* NOLINT(cert-env33-c): a fixed shell script of the tests */
    if (status != 0)
        fail_msg("status %x: %s", (unsigned)status, command);
}

void pg_start(struct pg *pg)
{
    pg_start_at(pg, "");
}

void pg_start_at(struct pg *pg, const char *address)
{
    char *directory = scratch_format("/tmp/shoal-pg-XXXXXX");
    assert_non_null(mkdtemp(directory));
    pg->directory = directory;
    pg->conninfo = scratch_format("host=%s user=postgres dbname=postgres",
                                  address[0] == '\0' ? directory : address);
    run(scratch_format("'" POSTGRES_SH "' start '%s' '%s'", directory, address));
}

void pg_halt(const struct pg *pg)
{
    run(scratch_format("'" POSTGRES_SH "' halt '%s'", pg->directory));
}

void pg_resume(const struct pg *pg)
{
    run(scratch_format("'" POSTGRES_SH "' resume '%s'", pg->directory));
}

void pg_remove(const struct pg *pg)
{
    run(scratch_format("'" POSTGRES_SH "' stop '%s'", pg->directory));
}

static void name(struct pg *pg)
{
    char *directory = scratch_format("/tmp/shoal-pg-XXXXXX");
    assert_non_null(mkdtemp(directory));
    pg->directory = directory;
    pg->conninfo = scratch_format("host=%s user=postgres dbname=postgres", directory);
}

void pg_start_standby(struct pg *pg, const struct pg *primary)
{
    name(pg);
    pg_rebuild_standby(pg, primary);
}

void pg_archive(const struct pg *pg)
{
    run(scratch_format("'" POSTGRES_SH "' archive '%s'", pg->directory));
}

void pg_back_up(const struct pg *pg)
{
    run(scratch_format("'" POSTGRES_SH "' base '%s'", pg->directory));
}

void pg_start_restored(struct pg *pg, const struct pg *from, const char *time)
{
    name(pg);
    run(scratch_format("'" POSTGRES_SH "' restored '%s' '%s' '%s'", pg->directory, from->directory,
                       time));
}

void pg_rebuild_standby(const struct pg *pg, const struct pg *primary)
{
    run(scratch_format("'" POSTGRES_SH "' standby '%s' '%s'", pg->directory, primary->directory));
}

void pg_promote(const struct pg *pg)
{
    run(scratch_format("'" POSTGRES_SH "' promote '%s'", pg->directory));
}

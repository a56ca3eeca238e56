/* migrate NAME: migrates schema NAME in the database of $TEST_DB. For tests in shell. */
#include <stdio.h>
#include <stdlib.h>

#include "relay/schema.h"
#include "shared/err.h"

int main(int argc, char **argv)
{
    struct err err;
    const struct shard shard = {.conninfo = getenv("TEST_DB"), .schema = argv[argc - 1]};
    if (schema_migrate(&shard, &err))
        return 0;
    fprintf(stderr, "migrate: %s\n", err.text);
    return 1;
}

/* migrate_node NAME: migrates schema NAME of a node in the database of $TEST_DB. For tests in
 * shell. */
#include <stdio.h>
#include <stdlib.h>

#include "gpu/database.h"
#include "shared/err.h"

int main(int argc, char **argv)
{
    struct err err = {.text = "wants a name"};
    const struct database_setup setup = {.conninfo = getenv("TEST_DB"), .schema = argv[1]};
    struct database *database = argc == 2 ? database_open(&setup, &err) : NULL;
    if (database == NULL) {
        fprintf(stderr, "migrate_node: %s\n", err.text);
        return 1;
    }
    database_close(database);
    return 0;
}

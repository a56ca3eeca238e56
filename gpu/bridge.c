#include "gpu/bridge.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "client/secret.h"
#include "client/terminal.h"
#include "gpu/bank.h"
#include "gpu/deposit.h"
#include "gpu/journal.h"
#include "gpu/lightning.h"
#include "gpu/payout.h"
#include "shared/err.h"

enum { OTHERS = 077 };

struct bridge {
    struct lightning *lightning;
    struct deposit *deposit;
    struct payout *payout;
};

/* ---- the connection string ---- */

static bool check_file(const char *path, struct err *err)
{
    struct stat status;
    if (strcmp(path, "-") == 0 || strcmp(path, "ask") == 0)
        return true;
    if (stat(path, &status) != 0)
        return err_set(err, ERR_INVALID, "cannot open %.60s", path);
    return !S_ISREG(status.st_mode) || (status.st_mode & OTHERS) == 0 ||
           err_set(err, ERR_RESTRICTED, "others may read %.60s: chmod 600", path);
}

/* In locked memory; NULL on failure. */
static struct nwc_place *read_place(const char *path, struct err *err)
{
    if (!check_file(path, err))
        return NULL;
    terminal_harden();
    char *line = terminal_secret(strcmp(path, "ask") == 0 ? NULL : path,
                                 "Connection string of the wallet: ", err);
    if (line == NULL)
        return NULL;
    struct nwc_place *place = secret_new(sizeof *place);
    bool ok = nwc_read_place(place, (struct span){line, strlen(line)}, err);
    secret_free(line);
    if (ok)
        return place;
    secret_free(place);
    return NULL;
}

/* ---- what it tells ---- */

static void on_told(void *owner, const struct nwc_payment *payment, bool is_received)
{
    struct bridge *bridge = owner;
    if (is_received)
        deposit_hear(bridge->deposit, payment);
    else
        payout_hear(bridge->payout, payment);
}

static void on_greeted(void *owner)
{
    struct bridge *bridge = owner;
    deposit_catch_up(bridge->deposit);
    payout_ring(bridge->payout);
}

/* ---- all of it ---- */

static bool open_parts(struct bridge *bridge, uv_loop_t *loop, struct bank *bank, struct err *err)
{
    bridge->payout = payout_open(&(struct payout_setup){.loop = loop,
                                                        .database = bank_database(bank),
                                                        .ledger = bank_ledger(bank),
                                                        .mint = bank_mint(bank),
                                                        .lightning = bridge->lightning},
                                 err);
    if (bridge->payout == NULL)
        return false;
    bridge->deposit = deposit_open(&(struct deposit_setup){.loop = loop,
                                                           .ledger = bank_ledger(bank),
                                                           .mint = bank_mint(bank),
                                                           .lightning = bridge->lightning});
    return true;
}

struct bridge *bridge_open(uv_loop_t *loop, struct bank *bank, const char *path, struct err *err)
{
    struct bridge *bridge = calloc(1, sizeof *bridge);
    if (bridge == NULL)
        abort();
    struct nwc_place *place = read_place(path, err);
    if (place != NULL)
        bridge->lightning = lightning_open(&(struct lightning_setup){.loop = loop,
                                                                     .place = place,
                                                                     .told = on_told,
                                                                     .greeted = on_greeted,
                                                                     .owner = bridge},
                                           err);
    secret_free(place);
    if (bridge->lightning == NULL) {
        free(bridge);
        return NULL;
    }
    if (open_parts(bridge, loop, bank, err))
        return bridge;
    lightning_close(bridge->lightning);
    uv_run(loop, UV_RUN_DEFAULT);
    lightning_free(bridge->lightning);
    free(bridge);
    return NULL;
}

void bridge_close(struct bridge *bridge)
{
    if (bridge == NULL)
        return;
    lightning_close(bridge->lightning);
    payout_close(bridge->payout);
    deposit_close(bridge->deposit);
}

void bridge_free(struct bridge *bridge)
{
    if (bridge == NULL)
        return;
    payout_free(bridge->payout);
    deposit_free(bridge->deposit);
    lightning_free(bridge->lightning);
    free(bridge);
}

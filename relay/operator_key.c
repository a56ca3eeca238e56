#include "relay/operator_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/sig.h"

enum { LINE_BYTES_MAX = 256, PAGE_BYTES = 4096 };

/* All that the secret ever lies in. */
struct vault {
    struct operator_key key; /* first: the vault is found by it */
    struct bech32 word;
    char line[LINE_BYTES_MAX];
    size_t len;
};

_Static_assert(sizeof(struct vault) <= PAGE_BYTES, "a vault is a page");

static struct vault *open_vault(void)
{
    void *at = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        abort();
    /* Where the system locks nothing, the key is no less useful. */
    (void)mlock(at, PAGE_BYTES);
    (void)madvise(at, PAGE_BYTES, MADV_DONTDUMP);
    return at;
}

void operator_key_free(struct operator_key *key)
{
    if (key == NULL)
        return;
    explicit_bzero(key, PAGE_BYTES);
    munmap(key, PAGE_BYTES);
}

/* Up to the end of the first line. */
static bool read_line(struct vault *vault, int fd, const char *where, struct err *err)
{
    while (vault->len < sizeof vault->line) {
        ssize_t got = read(fd, vault->line + vault->len, 1); /* no byte more than the line */
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_INTERNAL, "%.60s: %s", where, strerrordesc_np(errno));
        if (got == 0 || vault->line[vault->len] == '\n')
            return true;
        vault->len++;
    }
    return err_set(err, ERR_INVALID, "%.60s: a line too long for a key", where);
}

static bool read_file(struct vault *vault, const char *path, struct err *err)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_INVALID, "%.60s: %s", path, strerrordesc_np(errno));
    bool is_good = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
    if (!is_good)
        err_fill(err, ERR_INVALID, "%.60s: expected a file", path);
    else if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        is_good = err_set(err, ERR_INVALID, "%.60s: others may read it (chmod 600)", path);
    else
        is_good = read_line(vault, fd, path, err);
    close(fd);
    return is_good;
}

static bool read_terminal(struct vault *vault, struct err *err)
{
    struct termios before, quiet;
    bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (is_terminal) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        fputs("secret key (nsec or hex): ", stderr);
    }
    bool is_good = read_line(vault, STDIN_FILENO, "stdin", err);
    if (is_terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputs("\n", stderr);
    }
    return is_good;
}

static bool parse(struct vault *vault, const char *where, struct err *err)
{
    struct span line = {vault->line, vault->len};
    while (line.len > 0 && (line.at[line.len - 1] == '\r' || line.at[line.len - 1] == ' '))
        line.len--;
    bool is_good = hex_decode(vault->key.secret.at, sizeof vault->key.secret, line);
    /* An nsec needs no arena. */
    if (!is_good && line.len > 4 && memcmp(line.at, "nsec", 4) == 0 &&
        bech32_decode(&vault->word, NULL, line, NULL) && vault->word.type == BECH32_NSEC) {
        vault->key.secret = vault->word.key;
        is_good = true;
    }
    return (is_good && sig_pubkey(&vault->key.pubkey, &vault->key.secret)) ||
           err_set(err, ERR_INVALID, "%.60s: expected a secret key, as nsec or hex", where);
}

struct operator_key *operator_key_read(const char *path, struct err *err)
{
    struct vault *vault = open_vault();
    bool is_read = path != NULL ? read_file(vault, path, err) : read_terminal(vault, err);
    if (is_read && parse(vault, path != NULL ? path : "stdin", err))
        return &vault->key;
    operator_key_free(&vault->key);
    return NULL;
}

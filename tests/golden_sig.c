/* Signature vectors, in the columns of BIP-340's own table:
 *
 *     index,secret key,public key,aux_rand,message,signature,verification result,comment
 *
 * Where the secret is given, signing must give the very signature too. NIP-01 signs 32 bytes, so
 * vectors of other messages are counted and passed over. A file that is not there skips the
 * test. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/hex.h"
#include "shared/sig.h"

enum { COLUMNS = 8, SKIPPED = 77 };
enum { SECRET = 1, PUBKEY, AUX, MESSAGE, SIGNATURE, RESULT, COMMENT };

static bool read_hex(uint8_t *out, size_t size, const char *text)
{
    char lower[256];
    size_t len = strlen(text);
    if (len >= sizeof lower)
        return false;
    for (size_t i = 0; i < len; i++)
        lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 32 : text[i]);
    return hex_decode(out, size, (struct span){lower, len});
}

static bool check_signing(char *const column[COLUMNS], const struct bytes32 *id,
                          const struct bytes32 *pubkey, const struct bytes64 *sig)
{
    struct bytes32 secret, aux, made_pubkey;
    struct bytes64 made;
    return read_hex(secret.at, sizeof secret.at, column[SECRET]) &&
           read_hex(aux.at, sizeof aux.at, column[AUX]) && sig_pubkey(&made_pubkey, &secret) &&
           memcmp(made_pubkey.at, pubkey->at, sizeof pubkey->at) == 0 &&
           sig_sign(&made, id, &secret, &aux) && memcmp(made.at, sig->at, sizeof made.at) == 0;
}

static bool check(char *const column[COLUMNS])
{
    struct bytes32 id, pubkey;
    struct bytes64 sig;
    bool valid = strcmp(column[RESULT], "TRUE") == 0;
    if (!read_hex(pubkey.at, sizeof pubkey.at, column[PUBKEY]) ||
        !read_hex(id.at, sizeof id.at, column[MESSAGE]) ||
        !read_hex(sig.at, sizeof sig.at, column[SIGNATURE]))
        return false;
    return sig_verify(&sig, &id, &pubkey) == valid &&
           (column[SECRET][0] == '\0' || check_signing(column, &id, &pubkey, &sig));
}

static bool split(char *column[COLUMNS], char *line)
{
    size_t count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    while (count < COLUMNS && line != NULL)
        column[count++] = strsep(&line, ",");
    return count == COLUMNS;
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (file == NULL) {
        printf("skipped: no vectors at %s\n", argc == 2 ? argv[1] : "(no path given)");
        return SKIPPED;
    }
    int checked = 0, failed = 0, other_lengths = 0;
    char line[2048], *column[COLUMNS];
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "index,", 6) == 0)
            continue;
        if (!split(column, line)) {
            failed++;
            printf("not %d columns: %s\n", COLUMNS, line);
        } else if (strlen(column[MESSAGE]) != 64) {
            other_lengths++;
        } else {
            checked++;
            bool ok = check(column);
            failed += !ok;
            printf("%s %s %s\n", ok ? "ok  " : "FAIL", column[0], column[COMMENT]);
        }
    }
    fclose(file);
    printf("%d checked, %d failed, %d of other lengths\n", checked, failed, other_lengths);
    return failed == 0 && checked >= 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}

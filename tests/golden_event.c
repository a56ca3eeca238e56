/* Signed events, made by a program that shares no code with ours, one a line:
 *
 *     form<TAB>comment<TAB>event
 *
 * form is the canonical form whose hash is the id: json, strfry or verbatim; none when the id is
 * no form's. The signature is of the id in every line. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"
#include "shared/text.h"

static const char *const form_names[] = {"json", "strfry", "verbatim"};

/* The event's id is the hash of the named form, and event_check_id says so. */
static bool check_id(const struct event *event, const char *form_name)
{
    bool is_named = strcmp(form_name, "none") == 0;
    bool is_id = is_named;
    for (enum event_form form = EVENT_FORM_JSON; form <= EVENT_FORM_VERBATIM; form++) {
        struct bytes32 hash = event_hash(event, form);
        if (strcmp(form_name, form_names[form]) != 0)
            continue;
        is_named = true;
        is_id = memcmp(&hash, &event->id, sizeof hash) == 0;
    }
    return is_named && is_id && event_check_id(event) == (strcmp(form_name, "none") != 0);
}

/* Written and read again, it is as valid as before. */
static bool check(const char *form_name, struct span json, struct err *err)
{
    struct arena arena = {0};
    struct text text = {0};
    struct event event;
    struct event again;
    bool ok = event_parse(&event, &arena, json, err);
    if (ok) {
        event_write(&text, &event);
        ok = event_parse(&again, &arena, text_span(&text), err) && check_id(&event, form_name) &&
             check_id(&again, form_name) && sig_verify(&again.sig, &again.id, &again.pubkey);
    }
    text_clear(&text);
    arena_clear(&arena);
    return ok;
}

int main(int argc, char **argv)
{
    static char line[1 << 16];
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (file == NULL || fgets(line, sizeof line, file) == NULL) /* the heading */
        return EXIT_FAILURE;
    int count = 0;
    int failed = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        struct err err = {.text = "the id or signature is not as said"};
        char *comment = strchr(line, '\t');
        char *json = comment != NULL ? strchr(comment + 1, '\t') : NULL;
        if (json == NULL)
            return EXIT_FAILURE;
        *comment++ = '\0';
        *json++ = '\0';
        bool ok = check(line, (struct span){json, strlen(json)}, &err);
        printf("%s %s, %s%s%s\n", ok ? "ok  " : "FAIL", comment, line, ok ? "" : ": ",
               ok ? "" : err.text);
        count++;
        failed += !ok;
    }
    fclose(file);
    printf("%d vectors, %d failed\n", count, failed);
    return count > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

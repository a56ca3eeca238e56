#include "client/command_editor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/command_pen.h"
#include "shared/err.h"
#include "shared/text.h"
#include "shared/utf8.h"

enum { PATH_MAX_BYTES = 512, READ_BYTES = 4096 };

static const char *find_editor(void)
{
    const char *editor = getenv("VISUAL"); // NOLINT(concurrency-mt-unsafe): one thread
    if (editor == NULL || editor[0] == '\0')
        editor = getenv("EDITOR"); // NOLINT(concurrency-mt-unsafe)
    return editor != NULL && editor[0] != '\0' ? editor : "vi";
}

static bool write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.at, bytes.len);
        if (written < 0)
            return false;
        bytes = (struct span){bytes.at + written, bytes.len - (size_t)written};
    }
    return true;
}

/* The editor may be a line of the shell, as in EDITOR="code --wait". */
static bool run(const char *path, struct err *err)
{
    int status = -1;
    struct text line = {0};
    text_addf(&line, "%s \"$1\"", find_editor());
    text_add(&line, (struct span){"", 1}); /* NUL */
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", line.at, "sh", path, (char *)NULL);
        _exit(127);
    }
    text_clear(&line);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return (child > 0 && status == 0) ||
           err_set(err, ERR_INTERNAL, "%.60s failed: nothing was changed", find_editor());
}

/* Less the end of the last line, which editors add. */
static bool read_back(const char *path, struct span *text, struct arena *arena, struct err *err)
{
    struct text out = {0};
    size_t got = 1;
    FILE *file = fopen(path, "re");
    while (file != NULL && got > 0 && out.len <= PEN_TEXT_BYTES_MAX) {
        got = fread(text_reserve(&out, READ_BYTES), 1, READ_BYTES, file);
        out.len += got;
    }
    bool ok = file != NULL && ferror(file) == 0;
    if (file != NULL)
        (void)fclose(file);
    if (out.len > 0 && out.at[out.len - 1] == '\n')
        out.len--;
    *text = arena_copy(arena, text_span(&out));
    text_clear(&out);
    if (!ok)
        return err_set(err, ERR_INTERNAL, "cannot read %.60s", path);
    if (text->len > PEN_TEXT_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a text of over %d bytes", PEN_TEXT_BYTES_MAX);
    return utf8_is(*text) || err_set(err, ERR_INVALID, "a text that is not UTF-8");
}

bool editor_run(struct span *text, struct arena *arena, struct err *err)
{
    char path[PATH_MAX_BYTES];
    const char *folder = getenv("TMPDIR"); // NOLINT(concurrency-mt-unsafe)
    snprintf(path, sizeof path, "%s/shoal-XXXXXX", folder != NULL ? folder : "/tmp");
    int fd = mkstemp(path); /* mode 0600 */
    if (fd < 0)
        return err_set(err, ERR_INTERNAL, "cannot make %.60s: %s", path, strerrordesc_np(errno));
    bool ok = write_all(fd, *text) && (text->len == 0 || write_all(fd, SPAN("\n")));
    ok = close(fd) == 0 && ok;
    if (!ok)
        ok = err_set(err, ERR_INTERNAL, "cannot write %.60s", path);
    else
        ok = run(path, err) && read_back(path, text, arena, err);
    unlink(path);
    return ok;
}

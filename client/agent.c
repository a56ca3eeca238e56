#include "client/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/holder.h"
#include "client/secret.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/text.h"

enum { ANSWER_S = 300, OTHERS = 077, SMALL_BYTES = 4096 };

static bool fail(struct err *err, const char *path, const char *what)
{
    return err_set(err, ERR_INTERNAL, "cannot %s %.60s: %s", what, path, strerrordesc_np(errno));
}

/* ---- where it is ---- */

bool agent_path(char path[AGENT_PATH_MAX], const char *named, struct err *err)
{
    const char *socket = named != NULL ? named : secure_getenv("SHOAL_AGENT");
    const char *runtime = secure_getenv("XDG_RUNTIME_DIR");
    int len;
    if (socket != NULL)
        len =
            snprintf(path, AGENT_PATH_MAX, "%s%s", strchr(socket, '/') != NULL ? "" : "./", socket);
    else if (runtime != NULL && runtime[0] == '/')
        len = snprintf(path, AGENT_PATH_MAX, "%s/shoal/agent", runtime);
    else
        len = snprintf(path, AGENT_PATH_MAX, "/tmp/shoal-%u/agent", (unsigned)geteuid());
    if (socket != NULL && socket[0] == '\0')
        return err_set(err, ERR_RESTRICTED, "no agent is wanted: SHOAL_AGENT is empty");
    return len < AGENT_PATH_MAX ||
           err_set(err, ERR_INVALID, "the path of a socket has at most %d bytes: --socket",
                   AGENT_PATH_MAX - 1);
}

/* Nobody else may enter the folder: who can, could put another socket there. */
static bool make_folder(const char *path, struct err *err)
{
    char folder[AGENT_PATH_MAX];
    struct stat status;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    if (folder[0] == '\0' || (mkdir(folder, 0700) != 0 && errno != EEXIST) ||
        lstat(folder, &status) != 0)
        return fail(err, folder, "make");
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & OTHERS) != 0)
        return err_set(err, ERR_RESTRICTED, "%.60s: expected a folder of yours with mode 0700",
                       folder);
    return true;
}

bool agent_claim(int *lock, const char *path, struct err *err)
{
    char name[AGENT_PATH_MAX + 8];
    snprintf(name, sizeof name, "%s.lock", path);
    if (!make_folder(path, err))
        return false;
    *lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*lock < 0)
        return fail(err, name, "open");
    bool is_ours = flock(*lock, LOCK_EX | LOCK_NB) == 0;
    if (is_ours && (unlink(path) == 0 || errno == ENOENT))
        return true;
    int reason = errno;
    close(*lock);
    errno = reason;
    return is_ours ? fail(err, path, "take away")
                   : err_set(err, ERR_RESTRICTED, "an agent is there already: %.60s", path);
}

/* ---- asking ---- */

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

/* -1 on failure. */
static int dial(const char *path, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = ANSWER_S};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        err_fill(err, ERR_RESTRICTED, "no agent is there: shoal agent start");
    else if (!is_ours(fd))
        err_fill(err, ERR_RESTRICTED, "the agent is somebody else's: %.60s", path);
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool send_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t sent = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        bytes.at += sent;
        bytes.len -= (size_t)sent;
    }
    return true;
}

/* One whole frame, and then no more. */
static bool hear(int fd, struct text *heard, struct span *body)
{
    for (;;) {
        struct span bytes = text_span(heard);
        enum agent_frame frame = agent_take(body, &bytes);
        if (frame != AGENT_FRAME_MORE)
            return frame == AGENT_FRAME_DONE && bytes.len == 0;
        ssize_t got = recv(fd, text_reserve(heard, SMALL_BYTES), SMALL_BYTES, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        heard->len += (size_t)got;
    }
}

static void wipe(struct text *text)
{
    if (text->at != NULL)
        secret_wipe(text->at, text->capacity);
    text_clear(text);
}

bool agent_ask(struct text *out, const char *path, const struct agent_request *request,
               struct err *err)
{
    struct text said = {0}, heard = {0};
    struct span body, bytes;
    if (request->bytes.len > AGENT_BODY_MAX / 2)
        return err_set(err, ERR_INVALID, "too long for an agent");
    int fd = dial(path, err);
    if (fd < 0)
        return false;
    text_reserve(&said, request->bytes.len + SMALL_BYTES); /* a password is in one place */
    agent_write_request(&said, request);
    bool ok = send_all(fd, text_span(&said)) && hear(fd, &heard, &body);
    close(fd);
    if (!ok)
        err_fill(err, ERR_INTERNAL, "the agent does not answer");
    ok = ok && agent_parse_answer(&bytes, body, err);
    if (ok)
        text_add(out, bytes);
    wipe(&said);
    wipe(&heard);
    return ok;
}

bool agent_greet(struct agent_hello *hello, struct text *text, const char *path, struct err *err)
{
    return agent_ask(text, path, &(struct agent_request){.ask = AGENT_HELLO}, err) &&
           agent_parse_hello(hello, text_span(text), err);
}

/* ---- as a holder ---- */

struct far {
    char path[AGENT_PATH_MAX];
};

static bool sign_far(void *source, struct event *event, const struct bytes32 *aux, struct err *err)
{
    const struct far *far = source;
    struct text json = {0}, sig = {0};
    (void)aux;
    event_write_rumor(&json, event);
    const struct agent_request request = {.ask = AGENT_SIGN, .bytes = text_span(&json)};
    bool ok = agent_ask(&sig, far->path, &request, err);
    if (ok && sig.len != sizeof event->sig)
        ok = err_set(err, ERR_INVALID, "the agent answers something else");
    if (ok)
        memcpy(&event->sig, sig.at, sizeof event->sig);
    text_clear(&json);
    text_clear(&sig);
    return ok;
}

static bool seal_far(void *source, struct text *out, const struct bytes32 *peer, struct span plain,
                     const struct bytes32 *nonce, struct err *err)
{
    const struct far *far = source;
    const struct agent_request request = {.ask = AGENT_SEAL, .peer = *peer, .bytes = plain};
    (void)nonce;
    return agent_ask(out, far->path, &request, err);
}

static bool open_far(void *source, struct text *out, const struct bytes32 *peer,
                     struct span payload, struct err *err)
{
    const struct far *far = source;
    const struct agent_request request = {.ask = AGENT_OPEN, .peer = *peer, .bytes = payload};
    return agent_ask(out, far->path, &request, err);
}

static const struct holder_ways ways = {
    .sign = sign_far, .seal = seal_far, .open = open_far, .free = free};

struct holder *agent_holder(const char *path, const struct bytes32 *mark)
{
    struct agent_hello hello;
    struct text text = {0};
    struct holder *holder = NULL;
    if (agent_greet(&hello, &text, path, NULL) && !hello.is_locked && hello.has_pubkey &&
        memcmp(&hello.mark, mark, sizeof *mark) == 0) {
        struct far *far = calloc(1, sizeof *far);
        if (far == NULL)
            abort();
        snprintf(far->path, sizeof far->path, "%s", path);
        holder = holder_new(&ways, far, &hello.pubkey);
    }
    text_clear(&text);
    return holder;
}

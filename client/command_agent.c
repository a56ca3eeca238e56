/* shoal agent: the password is asked once, and the key kept in memory for all other commands. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/agent.h"
#include "client/agent_keep.h"
#include "client/agent_serve.h"
#include "client/bunker_wire.h"
#include "client/command.h"
#include "client/keys.h"
#include "client/ncryptsec.h"
#include "client/secret.h"
#include "client/terminal.h"
#include "client/vault.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { TIMEOUT_S_MAX = 366 * 86400 };

/* Who one is with it: behind a bunker the agent's is only the key to speak with. False: that is not
 * known. */
static bool find_user(struct bytes32 *user, const struct agent_hello *hello)
{
    char path[VAULT_PATH_MAX];
    struct arena arena = {0};
    struct bunker_place place;
    struct vault vault = {0};
    bool has_user = hello->has_pubkey;
    *user = hello->pubkey;
    snprintf(path, sizeof path, "%.*s", SPAN_ARG(hello->file));
    if (vault_read(&vault, path, NULL) && vault.bunker.len > 0) {
        has_user = bunker_parse(&place, &arena, vault.bunker, NULL) && place.has_user;
        *user = place.user;
    }
    vault_clear(&vault);
    arena_clear(&arena);
    return has_user;
}

static void write_hello(struct text *out, const struct command_call *call, const char *path,
                        const struct agent_hello *hello)
{
    struct bech32 word = {.type = BECH32_NPUB};
    struct text npub = {0};
    bool has_npub = find_user(&word.key, hello) && bech32_encode(&npub, &word);
    if (call->is_json) {
        text_addf(out, "{\"pid\":%u,\"socket\":", hello->pid);
        text_add_json(out, command_span(path));
        text_add(out, SPAN(",\"file\":"));
        text_add_json(out, hello->file);
        if (has_npub)
            text_addf(out, ",\"npub\":\"%.*s\"", SPAN_ARG(text_span(&npub)));
        text_addf(out, ",\"locked\":%s,\"timeout\":%u,\"used\":%u}\n",
                  hello->is_locked ? "true" : "false", hello->timeout_s, hello->used);
    } else {
        text_addf(out, "pid         %u\nsocket      %s\nfile        %.*s\n", hello->pid, path,
                  SPAN_ARG(hello->file));
        if (has_npub)
            text_addf(out, "npub        %.*s\n", SPAN_ARG(text_span(&npub)));
        text_addf(out, "locked      %s\ntimeout     %u s\nused        %u times\n",
                  hello->is_locked ? "yes" : "no", hello->timeout_s, hello->used);
    }
    text_clear(&npub);
}

static enum command_status run_status(struct command_call *call)
{
    char path[AGENT_PATH_MAX];
    struct agent_hello hello;
    struct text heard = {0}, out = {0};
    struct err err;
    bool ok = agent_path(path, command_value(call, "socket"), &err) &&
              agent_greet(&hello, &heard, path, &err);
    if (ok)
        write_hello(&out, call, path, &hello);
    text_clear(&heard);
    return ok ? command_print(call, &out) : command_fail(call, &err);
}

/* ---- start ---- */

/* One agent on its way. */
struct starting {
    const struct command_call *call;
    char path[AGENT_PATH_MAX], file[VAULT_PATH_MAX];
    int lock, told; /* told: where whoever waits for us listens; -1: nobody */
    struct agent_keep_setup keep;
};

/* The key, opened here, where memory that is locked stays so. */
static bool open_keys(struct starting *starting, struct err *err)
{
    const struct command_call *call = starting->call;
    struct vault vault;
    char *password = NULL;
    bool ok = vault_read(&vault, starting->file, err), is_locked = command_value(call, "locked");
    starting->keep.mark = sig_sha256(vault.word);
    if (ok && !is_locked)
        password = terminal_secret(command_value(call, "password-file"), "Password: ", err);
    if (password != NULL)
        starting->keep.keys = ncryptsec_open(vault.word, command_span(password), err);
    secret_free(password);
    vault_clear(&vault);
    return ok && (is_locked || starting->keep.keys != NULL);
}

/* It listens: who waits may go on, and we are on our own. */
static void on_ready(void *owner)
{
    const struct starting *starting = owner;
    const char done = 1;
    if (starting->told < 0)
        return;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    setsid();
    bool ok = chdir("/") == 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
              dup2(nothing, STDOUT_FILENO) >= 0 && dup2(nothing, STDERR_FILENO) >= 0;
    ok = write(starting->told, &done, 1) == 1 && ok;
    close(starting->told);
    close(nothing);
    if (!ok)
        _exit(COMMAND_FAILED); /* whoever started it is gone */
}

static enum command_status be_agent(struct starting *starting)
{
    struct err err;
    if (!agent_claim(&starting->lock, starting->path, &err))
        return command_fail(starting->call, &err);
    if (!open_keys(starting, &err)) {
        close(starting->lock);
        return command_fail(starting->call, &err);
    }
    starting->keep.file = starting->file;
    const struct agent_serve_call serve = {.keep = agent_keep_new(&starting->keep),
                                           .lock = starting->lock,
                                           .path = starting->path,
                                           .ready = on_ready,
                                           .owner = starting};
    bool ok = agent_serve(&serve, &err);
    agent_keep_free(serve.keep);
    return ok ? COMMAND_DONE : command_fail(starting->call, &err);
}

/* In a process of its own; is over when that listens, or has failed and said why. */
static enum command_status be_parent(struct starting *starting, bool *is_child)
{
    int ends[2], status = 0;
    char done;
    close_range(STDERR_FILENO + 1, ~0U, 0); /* what it was given by accident it would keep open */
    if (pipe2(ends, O_CLOEXEC) != 0)
        return COMMAND_FAILED;
    pid_t child = fork();
    *is_child = child == 0;
    if (child == 0) {
        close(ends[0]);
        starting->told = ends[1];
        return be_agent(starting);
    }
    close(ends[1]);
    ssize_t got = child > 0 ? read(ends[0], &done, 1) : 0;
    close(ends[0]);
    if (got == 1)
        return COMMAND_DONE;
    bool is_over = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
    return is_over ? (enum command_status)WEXITSTATUS(status) : COMMAND_FAILED;
}

static enum command_status run_start(struct command_call *call)
{
    char file[VAULT_PATH_MAX];
    struct starting starting = {.call = call, .told = -1};
    struct err err;
    int64_t timeout_s;
    bool is_child = false;
    if (!command_number(call, "timeout", 0, TIMEOUT_S_MAX, &timeout_s))
        return COMMAND_USAGE;
    starting.keep.timeout_s = (uint32_t)timeout_s;
    if (!agent_path(starting.path, command_value(call, "socket"), &err) ||
        !vault_path(file, command_value(call, "key"), &err) ||
        !vault_absolute(starting.file, file, &err))
        return command_fail(call, &err);
    if (command_value(call, "foreground") != NULL)
        return be_agent(&starting);
    enum command_status status = be_parent(&starting, &is_child);
    return status == COMMAND_DONE && !is_child ? run_status(call) : status;
}

/* ---- the others ---- */

static enum command_status tell(const struct command_call *call,
                                const struct agent_request *request)
{
    char path[AGENT_PATH_MAX];
    struct text out = {0};
    struct err err;
    bool ok = agent_path(path, command_value(call, "socket"), &err) &&
              agent_ask(&out, path, request, &err);
    text_clear(&out);
    return ok ? COMMAND_DONE : command_fail(call, &err);
}

static enum command_status run_stop(struct command_call *call)
{
    return tell(call, &(struct agent_request){.ask = AGENT_STOP});
}

static enum command_status run_lock(struct command_call *call)
{
    return tell(call, &(struct agent_request){.ask = AGENT_LOCK});
}

static enum command_status run_unlock(struct command_call *call)
{
    struct err err;
    char *password = terminal_secret(command_value(call, "password-file"), "Password: ", &err);
    if (password == NULL)
        return command_fail(call, &err);
    const struct agent_request request = {.ask = AGENT_UNLOCK, .bytes = command_span(password)};
    enum command_status status = tell(call, &request);
    secret_free(password);
    return status;
}

#define OPTION_SOCKET                                                                        \
    {                                                                                        \
        "socket", "FILE", "where it listens [$SHOAL_AGENT, or $XDG_RUNTIME_DIR/shoal/agent]" \
    }

static const struct command_option options_start[] = {
    {"timeout", "SECONDS", "lock it when nothing was asked for so long [0: never]"},
    {"locked", NULL, "without the key, until agent unlock"},
    {"foreground", NULL, "stay, and do not become a process of its own: for systemd"},
    OPTION_SOCKET,
    COMMAND_OPTION_KEY,
    COMMAND_OPTION_PASSWORD,
    COMMAND_OPTION_JSON};

const struct command command_agent_start = {
    .name = "agent start",
    .help = "keep the key in memory: the password is asked once",
    .options = options_start,
    .option_count = ARRAY_LEN(options_start),
    .run = run_start};

static const struct command_option options_status[] = {OPTION_SOCKET, COMMAND_OPTION_JSON};

const struct command command_agent_status = {.name = "agent status",
                                             .help = "say which key it keeps, and whether",
                                             .options = options_status,
                                             .option_count = ARRAY_LEN(options_status),
                                             .run = run_status};

static const struct command_option options_stop[] = {OPTION_SOCKET};

const struct command command_agent_stop = {.name = "agent stop",
                                           .help = "end it",
                                           .options = options_stop,
                                           .option_count = ARRAY_LEN(options_stop),
                                           .run = run_stop};

const struct command command_agent_lock = {.name = "agent lock",
                                           .help = "let it forget the key until agent unlock",
                                           .options = options_stop,
                                           .option_count = ARRAY_LEN(options_stop),
                                           .run = run_lock};

static const struct command_option options_unlock[] = {OPTION_SOCKET, COMMAND_OPTION_PASSWORD};

const struct command command_agent_unlock = {.name = "agent unlock",
                                             .help = "give it the password again",
                                             .options = options_unlock,
                                             .option_count = ARRAY_LEN(options_unlock),
                                             .run = run_unlock};

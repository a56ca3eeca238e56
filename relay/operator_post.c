#include "relay/operator_post.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "shared/err.h"
#include "shared/text.h"
#include "shared/url.h"

enum { CONNECT_MS_MAX = 10000, WAIT_S_MAX = 30, ANSWER_BYTES_MAX = 64 << 20, PIECE_BYTES = 16384 };

/* A connection: plain when there is no ssl. */
struct line {
    int fd;
    SSL_CTX *context;
    SSL *ssl;
};

static bool refused(const struct url *url, const char *why, struct err *err)
{
    return err_set(err, ERR_INTERNAL, "cannot reach %.50s port %u: %.40s", url->host, url->port,
                   why);
}

/* Sets errno when it fails. */
static int connect_one(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct pollfd poller = {.fd = fd, .events = POLLOUT};
    int why = connect(fd, info->ai_addr, info->ai_addrlen) == 0 ? 0 : errno;
    if (why == EINPROGRESS) {
        socklen_t size = sizeof why;
        if (poll(&poller, 1, CONNECT_MS_MAX) <= 0)
            why = ETIMEDOUT;
        else
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size);
    }
    if (why == 0)
        return fd;
    close(fd);
    errno = why;
    return -1;
}

/* From now on it blocks, but not for ever. */
static void set_waits(int fd)
{
    struct timeval wait = {.tv_sec = WAIT_S_MAX};
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

static bool connect_to(struct line *line, const struct url *url, struct err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", url->port);
    int why = getaddrinfo(url->host, port, &hints, &found);
    if (why != 0)
        return refused(url, gai_strerror(why), err);
    line->fd = -1;
    for (const struct addrinfo *info = found; info != NULL && line->fd < 0; info = info->ai_next)
        line->fd = connect_one(info);
    freeaddrinfo(found);
    if (line->fd < 0)
        return refused(url, strerrordesc_np(errno), err);
    set_waits(line->fd);
    return true;
}

static bool begin_tls(struct line *line, const struct url *url, struct err *err)
{
    char host[sizeof url->host]; /* OpenSSL wants what it could change */
    memcpy(host, url->host, sizeof host);
    line->context = SSL_CTX_new(TLS_client_method());
    line->ssl = line->context == NULL ? NULL : SSL_new(line->context);
    if (line->ssl == NULL || SSL_CTX_set_default_verify_paths(line->context) != 1)
        return refused(url, "TLS cannot start", err);
    SSL_set_options(line->ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_set_verify(line->ssl, SSL_VERIFY_PEER, NULL);
    SSL_set_tlsext_host_name(line->ssl, host);
    if (SSL_set1_host(line->ssl, url->host) != 1 || SSL_set_fd(line->ssl, line->fd) != 1)
        return refused(url, "TLS cannot start", err);
    if (SSL_connect(line->ssl) == 1)
        return true;
    long verdict = SSL_get_verify_result(line->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return refused(url,
                   verdict != X509_V_OK ? X509_verify_cert_error_string(verdict)
                   : reason != NULL     ? reason
                                        : "TLS failed",
                   err);
}

static bool open_line(struct line *line, const struct url *url, struct err *err)
{
    *line = (struct line){.fd = -1};
    return connect_to(line, url, err) && (!url->is_tls || begin_tls(line, url, err));
}

static void close_line(const struct line *line)
{
    SSL_free(line->ssl);
    SSL_CTX_free(line->context);
    if (line->fd >= 0)
        close(line->fd);
}

static bool write_all(const struct line *line, struct span bytes)
{
    while (bytes.len > 0) {
        size_t sent = 0;
        ssize_t got = -1;
        if (line->ssl == NULL)
            got = send(line->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        else if (SSL_write_ex(line->ssl, bytes.at, bytes.len, &sent) == 1)
            got = (ssize_t)sent;
        if (got <= 0)
            return false;
        bytes = (struct span){bytes.at + got, bytes.len - (size_t)got};
    }
    return true;
}

/* 0 at the end, or when nothing more comes in time. */
static size_t read_some(const struct line *line, char *out)
{
    size_t got = 0;
    if (line->ssl != NULL)
        return SSL_read_ex(line->ssl, out, PIECE_BYTES, &got) == 1 ? got : 0;
    ssize_t received = recv(line->fd, out, PIECE_BYTES, 0);
    return received > 0 ? (size_t)received : 0;
}

/* HTTP/1.0: what is answered ends with the connection, and comes in one piece. */
static bool exchange(const struct line *line, const struct operator_post *post, struct text *answer)
{
    struct text request = {0};
    const struct url *url = post->url;
    bool is_ip6 = strchr(url->host, ':') != NULL;
    text_addf(&request, "POST %.*s HTTP/1.0\r\nHost: %s%s%s:%u\r\n%sContent-Length: %zu\r\n\r\n",
              url->path.len > 0 ? (int)url->path.len : 1, url->path.len > 0 ? url->path.at : "/",
              is_ip6 ? "[" : "", url->host, is_ip6 ? "]" : "", url->port, post->headers,
              post->body.len);
    text_add(&request, post->body);
    bool is_written = write_all(line, text_span(&request));
    text_clear(&request);
    size_t got;
    while (is_written && answer->len < ANSWER_BYTES_MAX &&
           (got = read_some(line, text_reserve(answer, PIECE_BYTES))) > 0)
        answer->len += got;
    return answer->len > 0;
}

/* "HTTP/1.1 200 OK", lines, an empty one, the body. */
static bool split(const struct text *answer, int *status, struct text *body, struct err *err)
{
    const char *end = memmem(answer->at, answer->len, "\r\n\r\n", 4);
    if (end == NULL || answer->len < 12 || memcmp(answer->at, "HTTP/1.", 7) != 0)
        return err_set(err, ERR_INTERNAL, "the answer is not HTTP");
    *status = 0;
    for (const char *digit = answer->at + 9; digit < answer->at + 12; digit++)
        *status = *status * 10 + (*digit - '0');
    end += 4;
    text_add(body, (struct span){end, answer->len - (size_t)(end - answer->at)});
    return true;
}

bool operator_post(const struct operator_post *post, int *status, struct text *body,
                   struct err *err)
{
    struct text answer = {0};
    struct line line;
    bool is_good = open_line(&line, post->url, err);
    if (is_good)
        is_good = (exchange(&line, post, &answer) || refused(post->url, "no answer", err)) &&
                  split(&answer, status, body, err);
    close_line(&line);
    text_clear(&answer);
    return is_good;
}

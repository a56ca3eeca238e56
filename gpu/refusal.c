#include "gpu/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/utf8.h"

void refusal_fill(struct refusal *refusal, int status, const char *param, const char *format, ...)
{
    va_list arguments;
    *refusal = (struct refusal){.status = status, .param = param};
    va_start(arguments, format);
    vsnprintf(refusal->text, sizeof refusal->text, format, arguments);
    va_end(arguments);
    char *at = refusal->text; /* what was cut within a character goes */
    for (size_t size; *at != '\0' && (size = utf8_size(at, at + strlen(at))) > 0;)
        at += size;
    *at = '\0';
}

static int status_of(enum err_code code)
{
    switch (code) {
    case ERR_DUPLICATE:
    case ERR_POW:
    case ERR_INVALID:
    case ERR_MUTE:
    case ERR_UNSUPPORTED:
        return 400;
    case ERR_AUTH_REQUIRED:
        return 401;
    case ERR_BLOCKED:
    case ERR_RESTRICTED:
        return 403;
    case ERR_RATE_LIMITED:
        return 429;
    case ERR_CLOSED:
        return 503;
    case ERR_INTERNAL:
        return 500;
    }
    return 500;
}

void refusal_take(struct refusal *refusal, const struct err *err)
{
    refusal_fill(refusal, status_of(err->code), NULL, "%s", err->text);
}

const char *refusal_kind(const struct refusal *refusal)
{
    switch (refusal->status) {
    case 401:
        return "authentication_error";
    case 403:
        return "permission_error";
    case 429:
        return "rate_limit_error";
    case 500:
    case 502:
    case 503:
    case 504:
        return "server_error";
    default:
        return "invalid_request_error";
    }
}

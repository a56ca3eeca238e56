#include "relay/config_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "relay/config.h"
#include "shared/err.h"

/* Nobody is there to type one. */
static int no_password(char *buffer, int size, int is_writing, void *owner)
{
    (void)buffer;
    (void)size;
    (void)is_writing;
    (void)owner;
    return 0;
}

/* "setting: path: why", of OpenSSL's first complaint. */
static bool complain(const char *setting, const char *path, struct err *err)
{
    const char *why = ERR_reason_error_string(ERR_peek_error());
    return err_set(err, ERR_INVALID, "%s: %.50s: %.40s", setting, path,
                   why != NULL ? why : "cannot be used");
}

static bool check_pair(SSL_CTX *context, const struct config *config, struct err *err)
{
    SSL_CTX_set_default_passwd_cb(context, no_password);
    if (SSL_CTX_use_certificate_chain_file(context, config->tls_certificate) != 1)
        return complain("tls_certificate", config->tls_certificate, err);
    if (SSL_CTX_use_PrivateKey_file(context, config->tls_key, SSL_FILETYPE_PEM) != 1)
        return complain("tls_key", config->tls_key, err);
    return true;
}

bool config_check_tls(const struct config *config, struct err *err)
{
    if (config->tls_certificate[0] == '\0')
        return true;
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    bool is_good = context != NULL ? check_pair(context, config, err)
                                   : err_set(err, ERR_INTERNAL, "OpenSSL cannot be used");
    SSL_CTX_free(context);
    return is_good;
}

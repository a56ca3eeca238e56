/* serve_page.c - what this relay is, for whoever asks before he connects (NIP-11). */
#include "client/serve_parts.h"

enum { HEAD_BYTES_MAX = 1024, ACCEPT_BYTES_MAX = 256, PAGE_BYTES_MAX = 1024 };

static void write_page(struct text *out, const struct serve *serve)
{
    const struct serve_setup *setup = &serve->setup;
    bool is_closed = setup->people_count > 0;
    text_addf(out,
              "{\"name\":\"shoal serve\",\"description\":\"the store of one person, for another "
              "client nearby\",\"software\":\"shoal\",\"version\":\"%s\","
              "\"supported_nips\":[1,11,%s45,67,77],\"limitation\":{\"max_message_length\":%d,"
              "\"max_subscriptions\":%d,\"max_limit\":%d,\"default_limit\":%d,"
              "\"auth_required\":%s,\"restricted_writes\":%s}}",
              SHOAL_VERSION, is_closed ? "42," : "", SERVE_MESSAGE_BYTES_MAX, SERVE_SUBS_MAX,
              SERVE_PAGE_MAX, SERVE_PAGE_MAX, is_closed ? "true" : "false",
              is_closed || setup->is_read_only ? "true" : "false");
}

static bool is_asked(struct lws *wsi)
{
    char accept[ACCEPT_BYTES_MAX];
    return lws_hdr_copy(wsi, accept, sizeof accept, WSI_TOKEN_HTTP_ACCEPT) > 0 &&
           strstr(accept, "application/nostr+json") != NULL;
}

static bool write_head(struct lws *wsi, size_t len)
{
    static const unsigned char name[] = "access-control-allow-origin:", all[] = "*";
    unsigned char room[LWS_PRE + HEAD_BYTES_MAX], *begin = room + LWS_PRE, *at = begin;
    unsigned char *end = room + sizeof room - 1;
    return lws_add_http_common_headers(wsi, HTTP_STATUS_OK, "application/nostr+json", len, &at,
                                       end) == 0 &&
           lws_add_http_header_by_name(wsi, name, all, sizeof all - 1, &at, end) == 0 &&
           lws_finalize_write_http_header(wsi, begin, &at, end) == 0;
}

bool serve_page(const struct serve *serve, struct lws *wsi)
{
    unsigned char room[LWS_PRE + PAGE_BYTES_MAX];
    struct text page = {0};
    if (!is_asked(wsi))
        return lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL) == 0 &&
               lws_http_transaction_completed(wsi) == 0;
    write_page(&page, serve);
    size_t len = page.len;
    bool ok = len <= PAGE_BYTES_MAX && write_head(wsi, len);
    if (ok) {
        memcpy(room + LWS_PRE, page.at, len);
        ok = lws_write(wsi, room + LWS_PRE, len, LWS_WRITE_HTTP_FINAL) == (int)len &&
             lws_http_transaction_completed(wsi) == 0;
    }
    text_clear(&page);
    return ok;
}

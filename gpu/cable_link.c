#include <stdio.h>
#include <stdlib.h>

#include "gpu/cable_parts.h"
#include "shared/err.h"

void cable_note(struct cable *cable, const struct cable_link *link, const char *why)
{
    char text[512];
    if (link->call != NULL)
        snprintf(text, sizeof text, "%s: %s", link->call->address, why);
    else
        snprintf(text, sizeof text, "a stage that called: %s", why);
    cable->setup.note(cable->setup.owner, text);
}

static void enqueue(struct cable_link *link, const char header[WIRE_HEADER_BYTES],
                    struct span payload)
{
    size_t len = WIRE_HEADER_BYTES + payload.len;
    if (len > CABLE_QUEUE_BYTES_MAX - link->queued) {
        cable_link_drop(link, "it does not read");
        return;
    }
    struct cable_outgoing *out = malloc(sizeof *out + LWS_PRE + len);
    if (out == NULL)
        abort();
    out->next = NULL;
    out->len = len;
    memcpy(out->bytes + LWS_PRE, header, WIRE_HEADER_BYTES);
    if (payload.len > 0)
        memcpy(out->bytes + LWS_PRE + WIRE_HEADER_BYTES, payload.at, payload.len);
    *link->tail = out;
    link->tail = &out->next;
    link->queued += len;
    lws_callback_on_writable(link->wsi);
}

static void say(struct cable_link *link, const struct hail_message *message)
{
    char header[WIRE_HEADER_BYTES];
    struct wire wire = {
        .type = WIRE_HELLO, .flags = message->flags, .payload = {message->at, message->len}};
    if (message->len == 0)
        return;
    wire_write(header, &wire);
    enqueue(link, header, wire.payload);
}

struct cable_link *cable_link_new(struct cable *cable, struct cable_call *call)
{
    struct bytes32 number;
    if (cable->link_count == CABLE_LINKS_MAX ||
        lws_get_random(cable->context, number.at, sizeof number.at) != sizeof number.at)
        return NULL;
    struct cable_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        abort();
    link->cable = cable;
    link->call = call;
    link->id = ++cable->last_id;
    link->born_ms = uv_now(cable->setup.loop);
    link->tail = &link->head;
    if (call == NULL) {
        link->hail = hail_listen(&cable->setup.self, &cable->setup.key, &number);
        link->hail.door = cable->setup.door;
    } else {
        const struct hail_pass *pass = &call->pass;
        link->hail =
            hail_call(&cable->setup.self, pass->letter_len > 0 ? &pass->key : &cable->setup.key,
                      &number, call->purpose);
        link->hail.letter = (struct span){pass->letter, pass->letter_len};
    }
    link->next = cable->links;
    cable->links = link;
    cable->link_count++;
    return link;
}

void cable_link_begin(struct cable_link *link, struct lws *wsi)
{
    struct hail_message message;
    link->wsi = wsi;
    hail_begin(&link->hail, &message);
    say(link, &message);
}

void cable_link_drop(struct cable_link *link, const char *why)
{
    if (link->is_doomed)
        return;
    link->is_doomed = true;
    cable_note(link->cable, link, why);
    if (link->wsi != NULL)
        lws_set_timeout(link->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void cable_link_end(struct cable_link *link, const char *why)
{
    struct cable *cable = link->cable;
    struct cable_link **at = &cable->links;
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    cable->link_count--;
    for (struct cable_outgoing *next; link->head != NULL; link->head = next) {
        next = link->head->next;
        free(link->head);
    }
    text_clear(&link->gathered);
    if (!cable->is_freed && link->is_told_up)
        cable->setup.down(cable->setup.owner, link->id);
    if (!cable->is_freed && !link->is_doomed && (link->call == NULL || link->call->failures == 0))
        cable_note(cable, link, why);
    if (link->call != NULL) {
        link->call->link = NULL;
        cable_call_again(link->call, link->is_told_up);
    }
    free(link);
}

/* ---- what arrives ---- */

static bool greet(struct cable_link *link, const struct wire *wire)
{
    struct cable *cable = link->cable;
    struct hail_message answer;
    struct err err;
    bool ok = hail_hear(&link->hail, &answer, wire, &err);
    say(link, &answer);
    if (!ok) {
        link->is_doomed = true; /* once it has been told why */
        if (link->call == NULL || link->call->failures == 0)
            cable_note(cable, link, err.text);
        return link->head != NULL;
    }
    if (link->hail.state != HAIL_MET)
        return true;
    link->is_told_up = cable->setup.up(cable->setup.owner, link->id, &link->hail,
                                       link->call != NULL ? link->call->address : NULL);
    if (link->call != NULL)
        link->call->failures = 0;
    return link->is_told_up;
}

static bool take(struct cable_link *link, struct span message)
{
    struct cable *cable = link->cable;
    struct wire wire;
    struct err err;
    if (!wire_read(&wire, message, &err)) {
        cable_link_drop(link, err.text);
        return false;
    }
    if (link->hail.state != HAIL_MET)
        return greet(link, &wire);
    if (wire.type == WIRE_HELLO || !hail_check(&link->hail, message)) {
        cable_link_drop(link, "a frame that is not its own");
        return false;
    }
    if (!cable->setup.receive(cable->setup.owner, link->id, &wire)) {
        cable_link_drop(link, "it does what no stage does");
        return false;
    }
    return true;
}

bool cable_link_receive(struct cable_link *link, struct span piece)
{
    size_t most = WIRE_HEADER_BYTES +
                  (link->hail.state == HAIL_MET ? WIRE_PAYLOAD_BYTES_MAX : WIRE_HELLO_BYTES_MAX);
    if (link->is_doomed)
        return link->hail.state == HAIL_FAILED; /* it is being told why */
    if (!lws_frame_is_binary(link->wsi) || piece.len > most - link->gathered.len)
        return false;
    text_add(&link->gathered, piece);
    if (lws_remaining_packet_payload(link->wsi) > 0 || !lws_is_final_fragment(link->wsi))
        return true;
    struct text message = link->gathered;
    link->gathered = (struct text){0};
    bool ok = take(link, text_span(&message));
    text_clear(&message);
    return ok;
}

bool cable_link_write(struct cable_link *link)
{
    struct cable *cable = link->cable;
    struct cable_outgoing *out = link->head;
    if (out == NULL && link->is_told_up && !link->is_doomed)
        cable->setup.drained(cable->setup.owner, link->id);
    out = link->head;
    if (out == NULL)
        return !link->is_doomed;
    if (lws_write(link->wsi, out->bytes + LWS_PRE, out->len, LWS_WRITE_BINARY) < 0)
        return false;
    link->head = out->next;
    link->queued -= out->len;
    free(out);
    if (link->head == NULL)
        link->tail = &link->head;
    lws_callback_on_writable(link->wsi);
    return true;
}

void cable_send(struct cable *cable, uint32_t link, const struct wire *wire)
{
    char header[WIRE_HEADER_BYTES];
    struct cable_link *to = cable->links;
    while (to != NULL && to->id != link)
        to = to->next;
    if (to == NULL || to->is_doomed || to->hail.state != HAIL_MET)
        return;
    wire_write(header, wire);
    hail_seal(&to->hail, header, wire->payload);
    enqueue(to, header, wire->payload);
}

void cable_wake(struct cable *cable, uint32_t link)
{
    for (struct cable_link *to = cable->links; to != NULL; to = to->next)
        if (to->id == link && to->wsi != NULL && !to->is_doomed)
            lws_callback_on_writable(to->wsi);
}

#include "relay/auth.h"

#include <stdlib.h>
#include <sys/random.h>

#include "relay/session.h"
#include "shared/hex.h"
#include "shared/message.h"
#include "shared/text.h"

void auth_challenge(struct session *session)
{
    uint8_t random[SESSION_CHALLENGE_CHARS / 2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        abort();
    hex_encode(session->challenge, random, sizeof random);
    auth_remind(session);
}

void auth_remind(struct session *session)
{
    struct text text = {0};
    message_write_auth(&text, (struct span){session->challenge, SESSION_CHALLENGE_CHARS});
    session_send(session, text_span(&text), NULL);
    text_clear(&text);
}

/* notify.h - tells the service manager how we are: sd_notify(3) without its library.
 *
 *   errors  none: who did not ask is not told
 */
#pragma once

/* "READY=1", "STOPPING=1", "STATUS=...". */
void notify_send(const char *state);

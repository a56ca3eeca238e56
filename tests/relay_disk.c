/* The disk is full: what cannot be stored is refused, and nothing acknowledged is lost.
 *
 * Wants to mount a small file system of its own; skipped where it may not. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/fetch.h"
#include "tests/random.h"
#include "tests/stage.h"

enum { PAST = 1700000000, EVENTS_MAX = 2000, CONTENT_CHARS = 60000, SPARE_BYTES = 6 << 20 };

static char folder[] = "/tmp/shoal-disk-XXXXXX";
static const struct signer_event *stored[EVENTS_MAX];
static size_t stored_count;

static int health(const struct relay *relay)
{
    return fetch(relay->port, "GET /health HTTP/1.1\r\n").status;
}

/* Leaves SPARE_BYTES of it. */
static void fill(const char *ballast)
{
    struct statvfs space;
    assert_int_equal(statvfs(folder, &space), 0);
    off_t available = (off_t)(space.f_bavail * space.f_frsize);
    int fd = open(ballast, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(posix_fallocate(fd, 0, available - SPARE_BYTES), 0);
    close(fd);
}

/* Publishes large events until one is refused for our own fault, not its. */
static void publish_until_refused(struct talk *talk)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (stored_count < EVENTS_MAX) {
        /* not to be compressed away by the database */
        char *content = scratch_alloc(CONTENT_CHARS + 1);
        for (int i = 0; i < CONTENT_CHARS; i++)
            content[i] = letters[random_below(sizeof letters - 1)];
        const struct signer_event *event = SIGN(.person = 230, .kind = 1, .content = content,
                                                .created_at = PAST + (int64_t)stored_count);
        struct talk_answer answer = talk_publish(talk, event);
        if (!answer.accepted) {
            assert_int_equal(strncmp(answer.note, "error: ", 7), 0);
            return;
        }
        stored[stored_count++] = event;
    }
    fail_msg("the disk never was full");
}

static void test_full(void **state)
{
    struct relay relay;
    struct talk talk;
    const char *data = scratch_format("%s/data", folder);
    const char *ballast = scratch_format("%s/ballast", folder);
    (void)state;
    relay_start(&relay, &(struct relay_setup){.database = "", .data_dir = data});
    talk_open(&talk, &relay);
    talk_accept(&talk, SIGN(.person = 231, .kind = 1));
    fill(ballast);
    publish_until_refused(&talk);
    print_message("%zu acknowledged before the disk was full\n", stored_count);
    assert_true(stored_count > 0);

    unlink(ballast);
    int64_t deadline_ms = wire_now_ms() + (int64_t)3 * WIRE_WAIT_MS;
    while (health(&relay) != 200)
        assert_true(wire_now_ms() < deadline_ms);
    for (size_t i = 0; i < stored_count; i++)
        talk_repeat(&talk, stored[i]);
    talk_accept(&talk, SIGN(.person = 231, .kind = 1, .content = "room again"));
    talk_close(&talk);
    relay_stop(&relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_full)};
    if (mkdtemp(folder) == NULL ||
        mount("shoal", folder, "tmpfs", MS_NOSUID | MS_NODEV, "size=160m,mode=0755") != 0) {
        fprintf(stderr, "skipped: relay_disk may not mount: %s\n", strerror(errno));
        rmdir(folder);
        return 77;
    }
    random_start();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    umount2(folder, MNT_DETACH);
    rmdir(folder);
    return failed;
}

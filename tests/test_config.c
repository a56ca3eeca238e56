/* Settings: every one has a default in its range, three spellings, and survives being written. */
#include "relay/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/log.h"
#include "shared/err.h"
#include "shared/text.h"
#include "tests/test.h"

#define KEY "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define NPUB "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6"

static char folder[] = "/tmp/shoal-config-XXXXXX";
static char path[sizeof folder + 16];

static void write_file(const char *text, size_t len)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
}

static bool load(struct config *config, const char *text, struct err *err)
{
    write_file(text, strlen(text));
    return config_load(config, path, err);
}

static const struct number {
    const char *name;
    long long min, max, preset;
} numbers[] = {
    {"connections_max", 1, 1000000, 10000},
    {"connections_per_address_max", 1, 1000000, 200},
    {"content_chars_max", 1, 16777216, 102400},
    {"count_max", 1, 10000000, 100000},
    {"created_at_future_s_max", 0, 1000000000000000, 900},
    {"created_at_past_s_max", 0, 1000000000000000, 0},
    {"database_readers", 1, 64, 2},
    {"drain_s_max", 1, 3600, 10},
    {"event_burst_max", 1, 1000000, 1000},
    {"events_per_s_max", 0, 1000000, 100},
    {"filter_values_max", 1, 100000, 2000},
    {"filters_max", 1, 1000, 20},
    {"limit_default", 1, 100000, 500},
    {"limit_max", 1, 100000, 5000},
    {"listen_port", 0, 65535, 7777},
    {"message_bytes_max", 1024, 16777216, 262144},
    {"negentropy_records_max", 0, 10000000, 1000000},
    {"outbox_bytes_max", 65536, 1073741824, 4194304},
    {"ping_s", 1, 86400, 60},
    {"pow_bits_min", 0, 256, 0},
    {"policy_plugin_ms_max", 10, 600000, 2000},
    {"processes", 0, 64, 1},
    {"pubkey_events_per_min", 0, 60000, 0},
    {"req_burst_max", 1, 1000000, 400},
    {"reqs_per_s_max", 0, 1000000, 50},
    {"retention_s", 0, 100000000000, 0},
    {"subscriptions_max", 1, 10000, 256},
    {"tags_max", 0, 100000, 5000},
    {"trust_depth", 1, 2, 1},
    {"trust_keys_max", 1, 10000000, 500000},
    {"verify_threads", 0, 256, 0},
    {"window_bytes_max", 0, 1099511627776, 268435456},
};

/* One side's edge passes, one past it does not. */
static void check_edge(struct config *config, const struct number *number, bool is_max)
{
    char value[64], line[128];
    struct err err;
    long long edge = is_max ? number->max : number->min;
    snprintf(value, sizeof value, "%lld", edge);
    assert_true(config_set(config, number->name, value, &err));
    snprintf(value, sizeof value, "%lld", is_max ? edge + 1 : edge - 1);
    assert_false(config_set(config, number->name, value, &err));
    snprintf(line, sizeof line, "%s: expected %lld to %lld, got '%s'", number->name, number->min,
             number->max, value);
    assert_string_equal(err.text, line);
}

static void test_edges(void **state)
{
    (void)state;
    struct text defaults = {0};
    struct config config;
    config_defaults(&config);
    config_write(&defaults, &config);
    text_add(&defaults, (struct span){"", 1});

    size_t takes = 0;
    for (const char *at = defaults.at; (at = strstr(at, "# takes ")) != NULL; at++) {
        const char *of = strstr(at, " of a-z"); /* a length */
        takes += at[8] >= '0' && at[8] <= '9' && (of == NULL || of > strchr(at, '\n'));
    }
    assert_int_equal(takes, ARRAY_LEN(numbers)); /* no number is left out */

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        char line[128];
        snprintf(line, sizeof line, "\n%s = %lld\n", numbers[i].name, numbers[i].preset);
        assert_non_null(strstr(defaults.at, line));
        check_edge(&config, &numbers[i], false);
        check_edge(&config, &numbers[i], true);
    }
    text_clear(&defaults);
}

static void test_values(void **state)
{
    static const struct {
        const char *name, *value, *refusal; /* NULL: taken */
    } cases[] = {
        {"listen_port", "80", NULL},
        {"listen-port", "80", NULL},
        {"--listen-port", "80", NULL},
        {"--listen_port", "80", NULL},
        {"SHOAL_RELAY_LISTEN_PORT", "80", NULL},
        {"listen_port", "", "listen_port: expected 0 to 65535, got ''"},
        {"listen_port", "abc", "listen_port: expected 0 to 65535, got 'abc'"},
        {"--listen-port", "1x", "--listen-port: expected 0 to 65535, got '1x'"},
        {"listen_port", " 1", "listen_port: expected 0 to 65535, got ' 1'"},
        {"listen_port", "+1", "listen_port: expected 0 to 65535, got '+1'"},
        {"listen_port", "0x10", "listen_port: expected 0 to 65535, got '0x10'"},
        {"listen_port", "99999999999999999999",
         "listen_port: expected 0 to 65535, got '99999999999999999999'"},
        {"LISTEN_PORT", "1", "unknown setting 'LISTEN_PORT'"},
        {"shoal_relay_listen_port", "1", "unknown setting 'shoal_relay_listen_port'"},
        {"SHOAL_RELAY_listen_port", "1", "unknown setting 'SHOAL_RELAY_listen_port'"},
        {"listen_prot", "1", "unknown setting 'listen_prot', did you mean listen_port?"},
        {"--listen-por", "1", "unknown setting '--listen-por', did you mean listen_port?"},
        {"--usr", "x", "unknown setting '--usr', did you mean user?"},
        {"", "x", "unknown setting ''"},
        {"whatever_this_is", "x", "unknown setting 'whatever_this_is'"},
        {"auth_required", "yes", NULL},
        {"auth_required", "true", NULL},
        {"auth_required", "no", NULL},
        {"auth_required", "false", NULL},
        {"auth_required", "1", "auth_required: expected yes or no, got '1'"},
        {"auth_required", "Yes", "auth_required: expected yes or no, got 'Yes'"},
        {"log_level", "debug", NULL},
        {"log_level", "error", NULL},
        {"log_level", "6", "log_level: expected error, warning, info or debug, got '6'"},
        {"schema", "a_1", NULL},
        {"schema", "_2345678901234567890123456789012345678901234567890_2", NULL},
        {"schema", "_2345678901234567890123456789012345678901234567890_23",
         "schema: expected 1 to 52 of a-z, 0-9 and _, got '_23456789012345678901234'"},
        {"schema", "1a", "schema: expected 1 to 52 of a-z, 0-9 and _, got '1a'"},
        {"schema", "Shoal", "schema: expected 1 to 52 of a-z, 0-9 and _, got 'Shoal'"},
        {"schema", "", "schema: expected 1 to 52 of a-z, 0-9 and _, got ''"},
        {"schema", "a\"b", "schema: expected 1 to 52 of a-z, 0-9 and _, got 'a\"b'"},
        {"name", "K\xc3\xa4se # \"1\"", NULL},
        {"name", "", NULL},
        {"name", "two\nlines", "name: expected a line of UTF-8, got byte 0x0a"},
        {"name", "\xff", "name: expected a line of UTF-8, got byte 0xff"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config config;
        struct err err = {.text = ""};
        config_defaults(&config);
        bool taken = config_set(&config, cases[i].name, cases[i].value, &err);
        assert_string_equal(err.text, cases[i].refusal != NULL ? cases[i].refusal : "");
        assert_int_equal(taken, cases[i].refusal == NULL);
    }
}

static void test_text_edge(void **state)
{
    static char text[CONFIG_TEXT_MAX + 1];
    struct config config;
    struct err err;
    (void)state;
    config_defaults(&config);
    memset(text, 'x', sizeof text - 1);
    assert_false(config_set(&config, "name", text, &err));
    assert_string_equal(err.text, "name: expected at most 1023 bytes, got 1024");
    text[CONFIG_TEXT_MAX - 1] = '\0';
    assert_true(config_set(&config, "name", text, &err));
    assert_string_equal(config.name, text);
}

static void test_file(void **state)
{
    static const struct {
        const char *text, *refusal; /* after "/path:" */
    } cases[] = {
        {"", NULL},
        {"# only a comment", NULL},
        {"\r\n  \t\n  # indented\n listen_port=1 \r\n", NULL},
        {"name = # not a comment = ", NULL},
        {"listen_port = 1", NULL},
        {"\n\nlisten_port = abc\n", "3: listen_port: expected 0 to 65535, got 'abc'"},
        {"listen_port\n", "1: expected name = value, got 'listen_port'"},
        {"[section]\n", "1: expected name = value, got '[section]'"},
        {"= 1\n", "1: unknown setting ''"},
        {"x = 1\n", "1: unknown setting 'x'"},
        {"pings = 1\n", "1: unknown setting 'pings', did you mean ping_s?"},
        {"ping_s = 1\nping_s = 2", "2: ping_s is set twice"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config config;
        struct err err = {.text = ""};
        bool taken = load(&config, cases[i].text, &err);
        if (cases[i].refusal == NULL) {
            assert_string_equal(err.text, "");
            assert_true(taken);
            continue;
        }
        char wanted[200];
        snprintf(wanted, sizeof wanted, "%s:%s", path, cases[i].refusal);
        assert_string_equal(err.text, wanted);
        assert_false(taken);
    }
}

static void test_file_missing(void **state)
{
    struct config config;
    struct err err;
    (void)state;
    write_file("name = a\0b\n", 11);
    assert_false(config_load(&config, path, &err));
    assert_non_null(strstr(err.text, ":1: a NUL byte"));
    assert_false(config_load(&config, folder, &err));
    assert_non_null(strstr(err.text, ": Is a directory"));
    unlink(path);
    assert_false(config_load(&config, path, &err));
    assert_non_null(strstr(err.text, ": No such file or directory"));
}

/* Flags are set by the caller, after the rest. */
static void test_precedence(void **state)
{
    struct config config;
    struct err err;
    (void)state;
    assert_true(load(&config, "listen_port = 1\nping_s = 2\nname = file\n", &err));
    assert_int_equal(config.listen_port, 1);
    setenv("SHOAL_RELAY_LISTEN_PORT", "3", 1);
    setenv("SHOAL_RELAY_NAME", "environment", 1);
    assert_true(config_load(&config, path, &err));
    assert_int_equal(config.listen_port, 3);
    assert_int_equal(config.ping_s, 2);
    assert_string_equal(config.name, "environment");
    assert_true(config_set(&config, "--listen-port", "4", &err));
    assert_int_equal(config.listen_port, 4);

    setenv("SHOAL_RELAY_LISTEN_PORT", "many", 1);
    assert_false(config_load(&config, path, &err));
    assert_string_equal(err.text, "SHOAL_RELAY_LISTEN_PORT: expected 0 to 65535, got 'many'");
    unsetenv("SHOAL_RELAY_LISTEN_PORT");
    setenv("SHOAL_RELAY_NANE", "x", 1);
    assert_false(config_load(&config, path, &err));
    assert_string_equal(err.text, "unknown setting 'SHOAL_RELAY_NANE', did you mean name?");
    unsetenv("SHOAL_RELAY_NANE");
    unsetenv("SHOAL_RELAY_NAME");
}

static void test_check(void **state)
{
    static const struct {
        const char *text, *refusal; /* NULL: taken */
    } cases[] = {
        {"", NULL},
        {"tls_key = a\ntls_certificate = b", NULL},
        {"tls_key = a", "tls_certificate and tls_key: expected both or none"},
        {"tls_certificate = a", "tls_certificate and tls_key: expected both or none"},
        {"listen_address = ::1", NULL},
        {"listen_address = 0.0.0.0", NULL},
        {"listen_address = example.org",
         "listen_address: expected an IP address, got 'example.org'"},
        {"listen_address =", "listen_address: expected an IP address, got ''"},
        {"user =", "user: expected the name of a user"},
        {"event_burst_max = 100", NULL},
        {"event_burst_max = 99", "event_burst_max is below events_per_s_max"},
        {"req_burst_max = 50", NULL},
        {"req_burst_max = 49", "req_burst_max is below reqs_per_s_max"},
        {"reqs_per_s_max = 0\nreq_burst_max = 1", NULL},
        {"limit_max = 500", NULL},
        {"limit_max = 499", "limit_default is above limit_max"},
        {"connections_max = 200", NULL},
        {"connections_max = 199", "connections_per_address_max is above connections_max"},
        {"outbox_bytes_max = 524288", NULL},
        {"outbox_bytes_max = 524287", "outbox_bytes_max is below twice message_bytes_max"},
        {"public_url = ws://a, wss://b.example:1/x", NULL},
        {"public_url = https://a", "public_url: 'https://a' is no URL like wss://relay.example"},
        {"public_url = wss://a ws:///", "public_url: 'ws:///' is no URL like wss://relay.example"},
        {"public_url = ws://", "public_url: 'ws://' is no URL like wss://relay.example"},
        {"trusted_proxies = 10.0.0.0/8,::1 fd00::/8 192.0.2.1/32 ::/128", NULL},
        {"trusted_proxies = 10.0.0.0/33", "trusted_proxies: '10.0.0.0/33' is no network like "
                                          "10.0.0.0/8"},
        {"trusted_proxies = ::1/129", "trusted_proxies: '::1/129' is no network like 10.0.0.0/8"},
        {"trusted_proxies = localhost", "trusted_proxies: 'localhost' is no network like "
                                        "10.0.0.0/8"},
        {"trusted_proxies = 10.0.0.0/", "trusted_proxies: '10.0.0.0/' is no network like "
                                        "10.0.0.0/8"},
        {"pubkey = " KEY, NULL},
        {"pubkey = " NPUB, NULL},
        {"pubkey = abc", "pubkey: expected 64 lowercase hex digits or an npub"},
        {"data_dir = data", "data_dir: expected an absolute path, got 'data'"},
        {"data_dir = a\ndatabase = postgresql://u:secret@h/db\ndatabase_read = host=a,b", NULL},
        {"retention_kinds = 7=30d 20000-29999=1h", NULL},
        {"retention_kinds = 7:30d",
         "retention_kinds: '7:30d' is no rule like 7=30d or 20000-29999=1h"},
        {"database = nonsense", "database: no connection string of libpq: missing ..."},
        {"database = postgresql://u:sec%ret@h/db",
         "database: no connection string of libpq: invalid percent-encoded token: ..."},
        {"database_read = nonsense", "database_read: no connection string of libpq: missing ..."},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config config;
        struct err err = {.text = ""};
        assert_true(load(&config, cases[i].text, &err));
        bool good = config_check(&config, &err);
        assert_string_equal(err.text, cases[i].refusal != NULL ? cases[i].refusal : "");
        assert_int_equal(good, cases[i].refusal == NULL);
    }
}

/* What is written reads back to the same, with every field away from its default. */
static void test_write(void **state)
{
    static const char *const values[] = {"9",     "70000",           "2000", "yes",
                                         "debug", "  a # \"b\" = c", "no",   "2"};
    struct config first, second;
    struct text text = {0}, again = {0};
    struct err err;
    (void)state;
    config_defaults(&first);
    config_write(&text, &first);
    text_add(&text, (struct span){"", 1});

    int changed = 0;
    char *save = NULL;
    for (char *line = strtok_r(text.at, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char *equals = strchr(line, '=');
        if (line[0] == '#' || equals == NULL)
            continue;
        equals[-1] = '\0';
        for (size_t i = 0; i < ARRAY_LEN(values); i++)
            if (strcmp(equals + 2, values[i]) != 0 && config_set(&first, line, values[i], NULL)) {
                changed++;
                break;
            }
    }
    assert_int_equal(changed, 65);
    text_clear(&text);

    config_write(&text, &first);
    write_file(text.at, text.len);
    assert_true(config_load(&second, path, &err));
    config_write(&again, &second);
    assert_int_equal(text.len, again.len);
    assert_memory_equal(text.at, again.at, text.len);
    assert_string_equal(second.name, "9");
    assert_true(second.auth_required);
    assert_int_equal(second.log_level, LOG_LEVEL_DEBUG);
    text_clear(&text);
    text_clear(&again);
}

static void test_data_dir(void **state)
{
    struct config config;
    (void)state;
    setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1);
    config_defaults(&config);
    assert_string_equal(config.data_dir, "/var/lib/a");
    unsetenv("STATE_DIRECTORY");
    setenv("XDG_DATA_HOME", "/x", 1);
    config_defaults(&config);
    assert_string_equal(config.data_dir,
                        geteuid() == 0 ? "/var/lib/shoal-relay" : "/x/shoal-relay");
    unsetenv("XDG_DATA_HOME");
    setenv("HOME", "/h", 1);
    config_defaults(&config);
    assert_string_equal(config.data_dir,
                        geteuid() == 0 ? "/var/lib/shoal-relay" : "/h/.local/share/shoal-relay");
}

/* For a terminal of 80 columns, every setting once. */
static void test_help(void **state)
{
    struct text help = {0};
    (void)state;
    config_write_help(&help);
    text_add(&help, (struct span){"", 1});
    int settings = 0;
    char *save = NULL;
    for (char *line = strtok_r(help.at, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        assert_in_range(strlen(line), 1, 79);
        settings += strncmp(line, "  --", 4) == 0;
    }
    assert_int_equal(settings, 65);
    text_clear(&help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),        cmocka_unit_test(test_values),
        cmocka_unit_test(test_text_edge),    cmocka_unit_test(test_file),
        cmocka_unit_test(test_file_missing), cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_check),        cmocka_unit_test(test_write),
        cmocka_unit_test(test_data_dir),     cmocka_unit_test(test_help),
    };
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/relay.conf", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(folder);
    return failed;
}

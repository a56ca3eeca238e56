/* libshoal, what several write: texts, spliced here and by updates of editors, and circles. */
#include "tests/libshoal.h"

static void expect_entity(struct shoal_store *store, const char *id, const char *part)
{
    char *json = shoal_entity_get(store, id, &error);
    check(json != NULL);
    if (strstr(json, part) == NULL)
        fail_msg("no %s in %s", part, json);
    shoal_text_free(json);
}

static void expect_diff(struct shoal_store *store, const char *id, const void *wanted, size_t size)
{
    size_t got_size;
    char *got = shoal_doc_diff(store, id, NULL, 0, &got_size, &error);
    check(got != NULL);
    assert_int_equal(got_size, size);
    assert_memory_equal(got, wanted, size);
    shoal_text_free(got);
}

static bool splice(struct shoal_store *store, const struct shoal_keys *as, const char *id,
                   size_t at, size_t count, const char *utf8)
{
    const struct shoal_edit edit = {.kind = SHOAL_SPLICE, .at = at, .count = count, .utf8 = utf8};
    return shoal_doc_edit(store, as, id, &edit, &error);
}

static bool apply(struct shoal_store *store, const char *id, const void *update, size_t size)
{
    const struct shoal_edit edit = {.kind = SHOAL_UPDATE, .update = update, .update_size = size};
    return shoal_doc_edit(store, keys, id, &edit, &error);
}

/* An update of one client: at its clock 0 "ab" into the text, or at clock 2 "c" behind it. */
static size_t write_update(unsigned char update[64], uint64_t client, bool is_first)
{
    static const unsigned char first[] = {4, 1, 4, 't', 'e', 'x', 't'};
    unsigned char id[10];
    size_t id_size = 0, size = 0;
    for (; client > 0x7f; client >>= 7)
        id[id_size++] = (unsigned char)(client | 0x80);
    id[id_size++] = (unsigned char)client;
    update[size++] = 1; /* writer */
    update[size++] = 1; /* struct */
    memcpy(update + size, id, id_size);
    size += id_size;
    update[size++] = is_first ? 0 : 2;
    if (is_first) {
        memcpy(update + size, first, sizeof first);
        size += sizeof first;
    } else {
        update[size++] = 0x84; /* a string with an origin */
        memcpy(update + size, id, id_size);
        size += id_size;
        update[size++] = 1;
    }
    update[size++] = is_first ? 2 : 1;
    memcpy(update + size, is_first ? "ab" : "c", is_first ? 2 : 1);
    size += is_first ? 2 : 1;
    update[size++] = 0; /* deletions */
    return size;
}

static void test_doc(void **state)
{
    struct shoal_store *store = open_store("docs");
    struct shoal_keys *stranger = shoal_keys_new(&error);
    char id[SHOAL_HEX_SIZE], other[SHOAL_HEX_SIZE];
    unsigned char update[64];
    uint64_t client, theirs;
    size_t size;
    (void)state;
    check(shoal_entity_new(store, keys, &(struct shoal_entity){.type = "note"}, id, &error));
    expect_diff(store, id, "\0", 2);
    check(splice(store, keys, id, 0, 0, "h\xc3\xa9llo \xf0\x9f\x90\x9f!"));
    check(splice(store, keys, id, 1, 1, "e"));
    check(splice(store, keys, id, 6, 2, NULL));
    expect_entity(store, id, "\"text\":\"hello !\"");
    expect_error(splice(store, keys, id, 0, 0, NULL), SHOAL_ERROR_INVALID);
    expect_error(splice(store, keys, id, 8, 0, "x"), SHOAL_ERROR_INVALID);
    expect_error(splice(store, keys, id, 7, 1, NULL), SHOAL_ERROR_INVALID);
    expect_error(splice(store, keys, id, 0, 0, "\xff"), SHOAL_ERROR_INVALID);
    expect_error(splice(store, stranger, id, 0, 0, "x"), SHOAL_ERROR_RESTRICTED);
    expect_error(splice(store, keys, "fish", 0, 0, "x"), SHOAL_ERROR_INVALID);

    check(shoal_entity_new(store, keys, &(struct shoal_entity){.type = "note"}, other, &error));
    check(shoal_doc_client(store, keys, other, &client, &error));
    check(shoal_doc_client(store, keys, id, &theirs, &error));
    assert_true(client != theirs && client >> 53 == 0);
    size = write_update(update, client, false);
    expect_error(apply(store, other, update, size), SHOAL_ERROR_INVALID);
    size = write_update(update, client, true);
    expect_error(apply(store, other, update, size - 1), SHOAL_ERROR_INVALID);
    check(apply(store, other, update, size));
    expect_diff(store, other, update, size);
    expect_error(apply(store, other, update, size), SHOAL_ERROR_INVALID);
    size = write_update(update, client, false);
    check(apply(store, other, update, size));
    expect_entity(store, other, "\"text\":\"abc\"");
    expect_error(shoal_doc_diff(store, other, "\xff", 1, &size, &error) != NULL,
                 SHOAL_ERROR_INVALID);
    check(shoal_entity_new(store, keys, &(struct shoal_entity){.type = "note"}, other, &error));
    size = write_update(update, theirs, true); /* of another's choice: it is claimed */
    check(apply(store, other, update, size));
    size = write_update(update, theirs, false);
    check(apply(store, other, update, size));
    expect_entity(store, other, "\"text\":\"abc\"");
    other[0] = other[0] == '0' ? '1' : '0';
    expect_error(shoal_doc_diff(store, other, NULL, 0, &size, &error) != NULL, SHOAL_ERROR_INVALID);
    shoal_keys_free(stranger);
    shoal_store_close(store);
}

static void test_undo(void **state)
{
    static const struct shoal_edit undo = {.kind = SHOAL_UNDO}, redo = {.kind = SHOAL_REDO},
                                   unknown = {.kind = (enum shoal_edit_kind)9};
    struct shoal_store *store = open_store("undo");
    char id[SHOAL_HEX_SIZE];
    (void)state;
    check(shoal_entity_new(store, keys, &(struct shoal_entity){.type = "note"}, id, &error));
    expect_error(shoal_doc_edit(store, keys, id, &undo, &error), SHOAL_ERROR_INVALID);
    check(splice(store, keys, id, 0, 0, "one two"));
    check(splice(store, keys, id, 0, 3, "three"));
    check(shoal_doc_edit(store, keys, id, &undo, &error));
    expect_entity(store, id, "\"text\":\"one two\"");
    check(shoal_doc_edit(store, keys, id, &undo, &error));
    expect_error(shoal_doc_edit(store, keys, id, &undo, &error), SHOAL_ERROR_INVALID);
    check(shoal_doc_edit(store, keys, id, &redo, &error));
    check(shoal_doc_edit(store, keys, id, &redo, &error));
    expect_entity(store, id, "\"text\":\"three two\"");
    expect_error(shoal_doc_edit(store, keys, id, &redo, &error), SHOAL_ERROR_INVALID);
    expect_error(shoal_doc_edit(store, keys, id, &unknown, &error), SHOAL_ERROR_INVALID);
    shoal_store_close(store);
}

/* What relays see of a circle. */
#define SEALED "{\"kinds\":[1572,1574,1575]}"

static bool pass_on(void *owner, const char *json, size_t size)
{
    check(shoal_store_put(owner, json, size, false, NULL, &error));
    return true;
}

static void expect_role(struct shoal_store *store, const char *circle, const char *who,
                        enum shoal_role wanted)
{
    enum shoal_role role;
    check(shoal_circle_role(store, circle, who, &role, &error));
    assert_int_equal(role, wanted);
}

static void test_circle(void **state)
{
    struct shoal_store *mine = open_store("mine"), *theirs = open_store("theirs");
    struct shoal_keys *friend = shoal_keys_new(&error);
    const char *who = shoal_keys_pubkey(friend);
    char circle[SHOAL_HEX_SIZE], id[SHOAL_HEX_SIZE];
    enum shoal_role role;
    uint64_t opened;
    (void)state;
    check(shoal_circle_new(mine, keys, "family", false, circle, &error));
    expect_error(shoal_circle_new(mine, keys, "", false, id, &error), SHOAL_ERROR_INVALID);
    expect_role(mine, circle, shoal_keys_pubkey(keys), SHOAL_ADMIN);
    check(shoal_circle_set_role(mine, keys, circle, who, SHOAL_WRITER, &error));
    expect_role(mine, circle, who, SHOAL_WRITER);
    check(shoal_entity_new(mine, keys,
                           &(struct shoal_entity){.type = "note",
                                                  .circle = circle,
                                                  .changes = FIELD("title", "\"Picnic\"")},
                           id, &error));
    check(shoal_store_query(mine, SEALED, pass_on, theirs, &error));
    expect_error(shoal_entity_get(theirs, id, &error) != NULL, SHOAL_ERROR_INVALID); /* sealed */
    check(shoal_circle_unlock(theirs, friend, &opened, &error));
    assert_int_equal(opened, 1);
    expect_entity(theirs, id, "Picnic");
    check(splice(theirs, friend, id, 0, 0, "bread"));
    check(shoal_store_query(theirs, SEALED, pass_on, mine, &error));
    expect_entity(mine, id, "\"text\":\"bread\"");

    check(shoal_circle_set_role(mine, keys, circle, who, SHOAL_READER, &error));
    check(shoal_store_query(mine, SEALED, pass_on, theirs, &error));
    expect_role(theirs, circle, who, SHOAL_READER);
    expect_error(splice(theirs, friend, id, 0, 0, "x"), SHOAL_ERROR_RESTRICTED);
    check(shoal_circle_set_role(mine, keys, circle, who, SHOAL_NOBODY, &error));
    expect_role(mine, circle, who, SHOAL_NOBODY);
    check(shoal_circle_set_role(mine, keys, circle, who, SHOAL_ADMIN, &error));
    check(shoal_store_query(mine, SEALED, pass_on, theirs, &error));
    check(shoal_circle_set_role(theirs, friend, circle, who, SHOAL_NOBODY, &error));
    expect_role(theirs, circle, who, SHOAL_NOBODY);
    expect_error(shoal_circle_set_role(theirs, friend, circle, who, SHOAL_ADMIN, &error),
                 SHOAL_ERROR_RESTRICTED);
    expect_error(shoal_circle_set_role(mine, keys, circle, who, (enum shoal_role)9, &error),
                 SHOAL_ERROR_INVALID);
    expect_error(shoal_circle_set_role(mine, keys, circle, "fish", SHOAL_READER, &error),
                 SHOAL_ERROR_INVALID);
    expect_error(shoal_circle_role(mine, id, who, &role, &error), SHOAL_ERROR_INVALID);
    expect_error(shoal_entity_new(mine, keys,
                                  &(struct shoal_entity){.type = "note", .circle = "fish"}, id,
                                  &error),
                 SHOAL_ERROR_INVALID);
    shoal_keys_free(friend);
    shoal_store_close(mine);
    shoal_store_close(theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_doc), cmocka_unit_test(test_undo),
                                       cmocka_unit_test(test_circle)};
    return cmocka_run_group_tests(tests, begin, end);
}

/* main.c - shoal's command line: which command, with which options. */
#include <stdio.h>
#include <stdlib.h>

#include "client/command.h"
#include "client/command_circle.h"
#include "client/command_pen.h"
#include "client/command_turn.h"
#include "client/terminal.h"
#include "shared/text.h"

static const struct command *const commands[] = {
    &command_identity_new,
    &command_identity_import,
    &command_identity_show,
    &command_identity_export,
    &command_identity_connect,
    &command_agent_start,
    &command_agent_status,
    &command_agent_lock,
    &command_agent_unlock,
    &command_agent_stop,
    &command_new,
    &command_set,
    &command_rm,
    &command_restore,
    &command_show,
    &command_log,
    &command_diff,
    &command_blame,
    &command_find,
    &command_post,
    &command_reply,
    &command_react,
    &command_repost,
    &command_feed,
    &command_thread,
    &command_follow_add,
    &command_follow_rm,
    &command_follow_list,
    &command_friend_req,
    &command_friend_accept,
    &command_friend_rm,
    &command_friend_list,
    &command_profile_show,
    &command_profile_set,
    &command_dm_send,
    &command_dm_fetch,
    &command_dm_list,
    &command_dm_read,
    &command_dm_relays,
    &command_mem_save,
    &command_mem_recall,
    &command_mem_consolidate,
    &command_link,
    &command_list_show,
    &command_list_insert,
    &command_list_move,
    &command_list_rm,
    &command_unit_save,
    &command_unit_lineage,
    &command_doc_show,
    &command_doc_edit,
    &command_doc_undo,
    &command_doc_redo,
    &command_doc_apply,
    &command_doc_export,
    &command_doc_history,
    &command_doc_diff,
    &command_doc_blame,
    &command_circle_new,
    &command_circle_list,
    &command_circle_show,
    &command_circle_add,
    &command_circle_rm,
    &command_circle_role,
    &command_circle_policy,
    &command_circle_leave,
    &command_circle_void,
    &command_circle_keys,
    &command_circle_say,
    &command_circle_read,
    &command_wallet_mint,
    &command_wallet_balance,
    &command_wallet_grant,
    &command_wallet_buy,
    &command_wallet_pay,
    &command_wallet_send,
    &command_wallet_receive,
    &command_wallet_restore,
    &command_wallet_sync,
    &command_wallet_history,
    &command_provider_add,
    &command_provider_list,
    &command_provider_rm,
    &command_proxy_usage,
    &command_proxy,
    &command_remote_add,
    &command_remote_rm,
    &command_remote_list,
    &command_remote_publish,
    &command_fetch,
    &command_push,
    &command_sync_pull,
    &command_sync_push,
    &command_sync,
    &command_queue_retry,
    &command_queue_drop,
    &command_queue,
    &command_import,
    &command_export,
    &command_store_status,
    &command_fsck,
    &command_doctor,
    &command_checkpoint_show,
    &command_checkpoint_sign,
    &command_checkpoint_verify,
    &command_checkpoint,
    &command_block_new,
    &command_block_list,
    &command_block_show,
    &command_block_prove,
    &command_block_verify,
    &command_block_anchor,
    &command_event,
    &command_verify,
    &command_publish,
    &command_req,
    &command_count,
    &command_neg,
    &command_encode,
    &command_decode,
    &command_did,
    &command_cid,
    &command_models,
    &command_swarm,
    &command_infer,
    &command_audit,
    &command_serve,
    &command_mcp,
    &command_completion,
    &command_manual,
};

enum { COMMAND_COUNT = sizeof commands / sizeof(struct command *) };

static const char exits[] =
    "\n"
    "Text on a terminal, lines of JSON into a pipe or with --json. A - for what a command\n"
    "is about stands for lines of standard input. Status: 0 done,\n"
    "1 failed, or what was asked about is wrong, 2 the command line makes no sense,\n"
    "3 done at some relays or in part, 4 no relay was reached and it stays queued, 5 no\n"
    "key, a wrong password, or not allowed to. Secrets are never arguments: they are typed,\n"
    "or read from a file.\n";

static void print_commands(FILE *out)
{
    fputs("shoal - your keys and your events, without any server\n\nusage:\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  shoal %-18s  %s\n", commands[i]->name, commands[i]->help);
    fputs("\n  shoal COMMAND --help says more; shoal --version which version this is\n", out);
    fputs(exits, out);
}

static void print_help(const struct command *command)
{
    const char *words = command->words != NULL ? command->words : "";
    printf("shoal %s - %s\n\nusage: shoal %s [OPTION...]%s%s\n\noptions:\n", command->name,
           command->help, command->name, words[0] != '\0' ? " " : "", words);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct command_option *option = &command->options[i];
        char spelled[64];
        snprintf(spelled, sizeof spelled, "--%s %s", option->name,
                 option->value != NULL ? option->value : "");
        printf("  %-26s%s\n", spelled, option->help);
    }
    printf("  %-26s%s\n", "--help", "this");
    if (command->more != NULL) {
        struct text more = {0};
        command->more(&more);
        printf("\n%.*s", SPAN_ARG(text_span(&more)));
        text_clear(&more);
    }
    fputs(exits, stdout);
}

/* The command that the arguments begin with, and how many of them name it; NULL when none. */
static const struct command *find_command(char *const *args, int count, int *used)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *name = commands[i]->name, *space = strchr(name, ' ');
        size_t len = space != NULL ? (size_t)(space - name) : strlen(name);
        if (count < 1 || strlen(args[0]) != len || strncmp(args[0], name, len) != 0)
            continue;
        *used = space != NULL ? 2 : 1;
        if (space == NULL || (count >= 2 && strcmp(args[1], space + 1) == 0))
            return commands[i];
    }
    return NULL;
}

static const struct command_option *find_option(const struct command *command, const char *name,
                                                size_t len)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strlen(command->options[i].name) == len &&
            strncmp(command->options[i].name, name, len) == 0)
            return &command->options[i];
    return NULL;
}

/* One option at args[0], which begins with dashes; how many arguments it takes, 0 after saying what
 * is wrong. */
static int take_option(struct command_call *call, char *const *args, int count)
{
    const char *name = args[0] + 2, *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct command_option *option = find_option(call->command, name, len);
    if (option == NULL) {
        command_misuse(call, "unknown option '--%.*s'", (int)len, name);
        return 0;
    }
    if (option->value == NULL && equals != NULL) {
        command_misuse(call, "--%s takes no value", option->name);
        return 0;
    }
    if (option->value != NULL && equals == NULL && count < 2) {
        command_misuse(call, "--%s wants %s", option->name, option->value);
        return 0;
    }
    if (call->given_count == COMMAND_OPTIONS_MAX) {
        command_misuse(call, "over %d options", COMMAND_OPTIONS_MAX);
        return 0;
    }
    bool is_next = option->value != NULL && equals == NULL;
    call->given[call->given_count].option = option;
    call->given[call->given_count++].value = option->value == NULL ? ""
                                             : is_next             ? args[1]
                                                                   : equals + 1;
    return is_next ? 2 : 1;
}

/* For an error: what somebody typed, unless it is a secret that is no argument. */
static const char *shown(const char *word)
{
    bool is_secret = strncmp(word, "nsec1", 5) == 0 || strncmp(word, "ncryptsec1", 10) == 0 ||
                     strncmp(word, "bunker://", 9) == 0;
    return is_secret ? "a secret, which is typed or read from a file" : word;
}

/* Reads the arguments behind the command's name. */
static enum command_status read_call(struct command_call *call, char *const *args, int count)
{
    bool is_option = true; /* until "--" */
    for (int i = 0; i < count;) {
        int taken = 1;
        if (is_option && strcmp(args[i], "--") == 0)
            is_option = false;
        else if (is_option && strncmp(args[i], "--", 2) == 0)
            taken = take_option(call, args + i, count - i);
        else if (call->word_count == call->command->words_max)
            return command_misuse(call, "did not expect '%.60s'", shown(args[i]));
        else
            call->words[call->word_count++] = args[i];
        if (taken == 0)
            return COMMAND_USAGE;
        i += taken;
    }
    if (call->word_count < call->command->words_min)
        return command_misuse(call, "expected %s", call->command->words);
    return COMMAND_DONE;
}

static bool asks(char *const *args, int count, const char *what)
{
    for (int i = 0; i < count && strcmp(args[i], "--") != 0; i++)
        if (strcmp(args[i], what) == 0)
            return true;
    return false;
}

static enum command_status look(struct command_call *call)
{
    return home_look(call, call->command->look);
}

static enum command_status run(struct command_call *call)
{
    const struct command *command = call->command;
    if (command->run != NULL)
        return command_each(call, command->run);
    return command->write != NULL ? pen_run(call, command->write) : command_each(call, look);
}

int main(int argc, char **argv)
{
    struct command_call call = {.all = commands, .all_count = COMMAND_COUNT};
    int used = 0;
    terminal_harden();
    call.command = find_command(argv + 1, argc - 1, &used);
    if (call.command == NULL && argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("shoal %s\n", SHOAL_VERSION);
        return EXIT_SUCCESS;
    }
    if (call.command == NULL) {
        bool is_asked = asks(argv + 1, argc - 1, "--help");
        if (!is_asked && argc > 1)
            fprintf(stderr, "shoal: no command '%.60s'\n\n", shown(argv[1]));
        print_commands(is_asked ? stdout : stderr);
        return is_asked ? EXIT_SUCCESS : (int)COMMAND_USAGE;
    }
    if (asks(argv + 1 + used, argc - 1 - used, "--help")) {
        print_help(call.command);
        return EXIT_SUCCESS;
    }
    enum command_status status = read_call(&call, argv + 1 + used, argc - 1 - used);
    call.is_json = command_value(&call, "json") != NULL || !terminal_shows_text();
    if (status == COMMAND_DONE)
        status = run(&call);
    return (int)status;
}

/* command_all.h - all commands, for the table of main. Part of command.
 *
 *   ownership  all are static
 */
#pragma once

struct command;

extern const struct command command_identity_connect, command_agent_start, command_agent_status,
    command_agent_lock, command_agent_unlock, command_agent_stop, command_identity_new,
    command_identity_import, command_identity_show, command_identity_export, command_encode,
    command_decode, command_did, command_cid, command_event, command_verify, command_req,
    command_count, command_publish, command_new, command_set, command_rm, command_restore,
    command_show, command_log, command_find, command_queue, command_queue_retry, command_queue_drop,
    command_import, command_export, command_store_status, command_fsck, command_doctor, command_neg,
    command_remote_add, command_remote_rm, command_remote_list, command_remote_publish,
    command_fetch, command_push, command_sync, command_completion, command_manual, command_serve,
    command_mcp, command_sync_pull, command_sync_push;

/* People and words. */
extern const struct command command_post, command_reply, command_react, command_repost,
    command_feed, command_thread, command_follow_add, command_follow_rm, command_follow_list,
    command_friend_list, command_profile_show, command_profile_set, command_dm_send,
    command_dm_fetch, command_dm_list, command_dm_read, command_dm_relays, command_mem_save,
    command_mem_recall, command_mem_consolidate, command_link, command_unit_save,
    command_unit_lineage, command_doc_show, command_doc_edit, command_doc_history, command_doc_diff,
    command_doc_blame, command_doc_undo, command_doc_redo, command_doc_apply, command_doc_export,
    command_list_insert, command_list_move, command_list_rm, command_list_show;

/* What was. */
extern const struct command command_diff, command_blame, command_block_new, command_block_anchor,
    command_block_list, command_block_show, command_block_prove, command_block_verify,
    command_checkpoint, command_checkpoint_show, command_checkpoint_sign, command_checkpoint_verify;

/* Friends. */
extern const struct command command_friend_req, command_friend_accept, command_friend_rm;

/* The market. */
extern const struct command command_models, command_swarm, command_infer, command_audit;

/* Conversations of circles. */
extern const struct command command_circle_say, command_circle_read;

/* The wallet. */
extern const struct command command_wallet_mint, command_wallet_balance, command_wallet_grant,
    command_wallet_buy, command_wallet_pay, command_wallet_send, command_wallet_receive,
    command_wallet_restore, command_wallet_sync, command_wallet_history;

/* Applications that speak with models. */
extern const struct command command_proxy, command_provider_add, command_provider_list,
    command_provider_rm, command_proxy_usage;

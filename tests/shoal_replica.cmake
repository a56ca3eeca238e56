# Who reads what the client writes.
shoal_test(shoal_scope_commands shoal_scope 120)
shoal_test(shoal_friend_commands shoal_friend 120)
shoal_test(shoal_follow_commands shoal_follow 120)
shoal_test(shoal_talk_commands shoal_talk 120)

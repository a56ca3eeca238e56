# Who reads what the client writes.
add_test(NAME shoal_scope_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_scope.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_scope_commands PROPERTIES LABELS integration TIMEOUT 120)
add_test(NAME shoal_friend_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_friend.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_friend_commands PROPERTIES LABELS integration TIMEOUT 120)
add_test(NAME shoal_follow_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_follow.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_follow_commands PROPERTIES LABELS integration TIMEOUT 120)
add_test(NAME shoal_talk_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_talk.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_talk_commands PROPERTIES LABELS integration TIMEOUT 120)

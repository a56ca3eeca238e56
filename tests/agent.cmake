# The process that keeps a key.
unit_test(agent agent)
fuzz_target(agent agent)
add_test(NAME shoal_agent_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_agent.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_agent_commands PROPERTIES LABELS integration TIMEOUT 120)

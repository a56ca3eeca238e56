# The client's command line.
add_test(NAME shoal_commands COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_commands PROPERTIES LABELS integration TIMEOUT 60)

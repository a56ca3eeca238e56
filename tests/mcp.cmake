# The server for language models.
unit_test(jsonrpc core)
unit_test(mcp core)
fuzz_target(mcp core)
add_test(NAME shoal_mcp_command
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_mcp.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_mcp_command PROPERTIES LABELS integration TIMEOUT 120)

# The server for language models.
unit_test(jsonrpc core)
unit_test(mcp core)
fuzz_target(mcp core)
shoal_test(shoal_mcp_command shoal_mcp 120)

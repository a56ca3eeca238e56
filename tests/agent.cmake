# The process that keeps a key.
unit_test(agent agent)
fuzz_target(agent agent)
shoal_test(shoal_agent_commands shoal_agent 120)

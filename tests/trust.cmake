# What buyers say of nodes.
unit_test(testimony core)
fuzz_target(testimony core)

# A model over several processes.
unit_test(activation pipeline)
unit_test(wire pipeline)
fuzz_target(wire pipeline)

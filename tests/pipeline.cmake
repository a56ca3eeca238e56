# A model over several processes.
unit_test(activation pipeline)
unit_test(wire pipeline)
fuzz_target(wire pipeline)
unit_test(stage pipeline)
unit_test(hail pipeline)
property_test(stage pipeline)

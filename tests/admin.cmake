# Management (NIP-86): the operators' lists, what asks for a change of them, and what is shown.
unit_test(control relay)
unit_test(print relay)
unit_test(talkers relay)
unit_test(ticket relay)
fuzz_target(manage relay)

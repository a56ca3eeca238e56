# Management (NIP-86): the operators' lists, and what asks for a change of them.
unit_test(control relay)
unit_test(ticket relay)
fuzz_target(manage relay)

# The client's keys: secrets, words for them, names for people and events.
unit_test(keys core)
unit_test(holder core)
unit_test(ncryptsec core)
unit_test(mnemonic core)
unit_test(names core)
unit_test(draft core)
fuzz_target(names core)
fuzz_target(mnemonic core)

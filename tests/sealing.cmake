# What is sealed between people.
unit_test(box core)
unit_test(wrap core)
unit_test(direct core)
fuzz_target(box core)

# The official vectors of NIP-44.
add_executable(golden_box golden_box.c)
target_link_libraries(golden_box PRIVATE core PkgConfig::JANSSON)
add_test(NAME golden_box COMMAND golden_box ${VECTORS}/nip44.vectors.json)
set_tests_properties(golden_box PROPERTIES LABELS golden TIMEOUT 60 SKIP_RETURN_CODE 77)

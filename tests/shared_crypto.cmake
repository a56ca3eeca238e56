# The ground of shared/: memory, errors, hex, signatures, NIP-19 words.
unit_test(arena)
set_tests_properties(arena PROPERTIES ENVIRONMENT # an impossible size must reach our own check
  "ASAN_OPTIONS=allocator_may_return_null=1;TSAN_OPTIONS=allocator_may_return_null=1")
unit_test(err)
unit_test(hex)
unit_test(sig)
unit_test(bech32)
unit_test(bech32_values)
fuzz_target(bech32)

# Signature vectors: our own, and BIP-340's table where a copy of it lies beside the source tree.
add_executable(golden_sig golden_sig.c)
target_link_libraries(golden_sig PRIVATE shared)
add_test(NAME golden_sig COMMAND golden_sig ${CMAKE_CURRENT_SOURCE_DIR}/golden/sig/own.csv)
add_test(NAME golden_sig_bip340 COMMAND golden_sig ${VECTORS}/bip340.csv)
set_tests_properties(golden_sig golden_sig_bip340 PROPERTIES
  LABELS golden TIMEOUT 30 SKIP_RETURN_CODE 77)

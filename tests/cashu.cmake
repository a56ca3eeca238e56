# Ecash: blind signatures, proofs of the mint's key, keysets.
unit_test(blind)
unit_test(keyset)
unit_test(coin token)
unit_test(token token)
fuzz_target(token token)

# The official vectors, where a copy of them lies beside the source tree.
add_executable(golden_cashu golden_cashu.c)
target_link_libraries(golden_cashu PRIVATE token)
add_test(NAME golden_cashu COMMAND golden_cashu ${VECTORS}/cashu)
set_tests_properties(golden_cashu PROPERTIES LABELS golden TIMEOUT 30 SKIP_RETURN_CODE 77)

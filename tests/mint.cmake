# The mint: who may have a quote issued, and who may spend what is locked.
unit_test(quote_sig)
unit_test(p2pk)
unit_test(mint_keyset mint)
unit_test(mint_policy mint)
fuzz_target(mint_request mint)

# The official vectors, where a copy of them lies beside the source tree.
add_executable(golden_mint golden_mint.c)
target_link_libraries(golden_mint PRIVATE mint)
add_test(NAME golden_mint COMMAND golden_mint ${VECTORS}/cashu)
set_tests_properties(golden_mint PROPERTIES LABELS golden TIMEOUT 30 SKIP_RETURN_CODE 77)

# On a real database.
add_library(minted STATIC minted.c)
target_link_libraries(minted PUBLIC mint PkgConfig::CMOCKA)
foreach(name mint mint_melt)
  unit_test(${name} minted)
  database_test(${name})
endforeach()

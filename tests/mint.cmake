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

# The program.
add_executable(test_counter test_counter.c node.c)
target_link_libraries(test_counter PRIVATE talker PkgConfig::CMOCKA PkgConfig::LIBPQ)
add_test(NAME counter COMMAND test_counter $<TARGET_FILE:shoal-gpu> ${CMAKE_SOURCE_DIR}/ops/demo/model)
set_tests_properties(counter PROPERTIES LABELS unit)
database_test(counter)
add_executable(test_herald test_herald.c node.c ws.c)
target_link_libraries(test_herald PRIVATE talker PkgConfig::CMOCKA PkgConfig::LIBPQ PkgConfig::ZLIB)
add_test(NAME herald COMMAND test_herald $<TARGET_FILE:shoal-gpu> ${CMAKE_SOURCE_DIR}/ops/demo/model)
set_tests_properties(herald PROPERTIES LABELS unit)
database_test(herald)
fuzz_target(herald api)
add_test(NAME interop_mint COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run_mint
  $<TARGET_FILE:shoal-gpu>)
set_tests_properties(interop_mint PROPERTIES LABELS interop)
database_test(interop_mint)
set_tests_properties(interop_mint PROPERTIES TIMEOUT 180 SKIP_RETURN_CODE 77)

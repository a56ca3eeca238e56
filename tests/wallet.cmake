# The user's wallet.
add_library(stamp STATIC stamp.c)
target_link_libraries(stamp PUBLIC token PkgConfig::CMOCKA)
unit_test(wallet stamp)
unit_test(wallet_wire stamp)
property_test(purse purse stamp)
add_test(NAME shoal_wallet COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_wallet.sh $<TARGET_FILE:shoal>
  $<TARGET_FILE:shoal-gpu> ${CMAKE_SOURCE_DIR}/ops/demo/model)
set_tests_properties(shoal_wallet PROPERTIES LABELS unit)
database_test(shoal_wallet)
set_tests_properties(shoal_wallet PROPERTIES TIMEOUT 300)
if(TARGET shoal-relay)
  add_test(NAME shoal_afar COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_afar.sh $<TARGET_FILE:shoal>
    $<TARGET_FILE:shoal-gpu> ${CMAKE_SOURCE_DIR}/ops/demo/model $<TARGET_FILE:shoal-relay>)
  set_tests_properties(shoal_afar PROPERTIES LABELS unit)
  database_test(shoal_afar)
  set_tests_properties(shoal_afar PROPERTIES TIMEOUT 300)
  add_test(NAME shoal_infer COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_infer.sh $<TARGET_FILE:shoal>
    $<TARGET_FILE:shoal-gpu> ${CMAKE_SOURCE_DIR}/ops/demo/model $<TARGET_FILE:shoal-relay>)
  set_tests_properties(shoal_infer PROPERTIES LABELS unit)
  database_test(shoal_infer)
  set_tests_properties(shoal_infer PROPERTIES TIMEOUT 300)
endif()
# What a node tells of a job.
unit_test(standing core)
fuzz_target(standing core)

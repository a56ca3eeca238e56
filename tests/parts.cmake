# Long texts in parts.
unit_test(slice core)
property_test(slice core)
target_sources(property_slice PRIVATE fuzz_slice.c)
fuzz_target(slice core)
fuzz_target(demand token)
if(TARGET shoal-relay)
  add_test(NAME shoal_split COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_split.sh $<TARGET_FILE:shoal>
    $<TARGET_FILE:shoal-gpu> ${CMAKE_SOURCE_DIR}/ops/demo/model $<TARGET_FILE:shoal-relay>)
  set_tests_properties(shoal_split PROPERTIES LABELS unit)
  database_test(shoal_split)
  set_tests_properties(shoal_split PROPERTIES TIMEOUT 300)
endif()

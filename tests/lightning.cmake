# Credit that is bought by Lightning, and pays by it.
unit_test(invoice api)
unit_test(nwc api)
fuzz_target(nwc api)
if(TARGET shoal-relay)
  add_test(NAME interop_lightning COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run_lightning
    $<TARGET_FILE:shoal-gpu> $<TARGET_FILE:shoal-relay> $<TARGET_FILE:shoal>)
  set_tests_properties(interop_lightning PROPERTIES LABELS interop)
  database_test(interop_lightning)
  set_tests_properties(interop_lightning PROPERTIES TIMEOUT 180 SKIP_RETURN_CODE 77)
endif()

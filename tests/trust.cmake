# What buyers say of nodes.
unit_test(testimony core)
fuzz_target(testimony core)

# What is checked of an answer.
unit_test(claims forged)
unit_test(verdict core)
fuzz_target(verdict)
if(TARGET shoal-relay)
  add_test(NAME shoal_audit COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_audit.sh $<TARGET_FILE:shoal>
    $<TARGET_FILE:shoal-gpu> ${CMAKE_SOURCE_DIR}/ops/demo/model $<TARGET_FILE:shoal-relay>)
  set_tests_properties(shoal_audit PROPERTIES LABELS unit)
  database_test(shoal_audit)
  set_tests_properties(shoal_audit PROPERTIES TIMEOUT 300)
endif()

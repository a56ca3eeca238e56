# The wallet over relays.
unit_test(stash token)
fuzz_target(stash token)
if(TARGET shoal-relay)
  add_test(NAME shoal_stash COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_stash.sh $<TARGET_FILE:shoal>
    $<TARGET_FILE:shoal-gpu> ${CMAKE_SOURCE_DIR}/ops/demo/model $<TARGET_FILE:shoal-relay>)
  set_tests_properties(shoal_stash PROPERTIES LABELS unit)
  database_test(shoal_stash)
  set_tests_properties(shoal_stash PROPERTIES TIMEOUT 300)
endif()

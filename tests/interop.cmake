# Real clients, unmodified, against the real relay; label interop.
if(TARGET shoal-relay)
  add_test(NAME interop COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run $<TARGET_FILE:shoal-relay>
           $<TARGET_FILE:shoal>)
  set_tests_properties(interop PROPERTIES LABELS interop TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()

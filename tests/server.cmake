# The HTTP and websocket server.
unit_test(head relay)
unit_test(http relay)
unit_test(squeeze relay)
unit_test(websocket relay)
fuzz_target(head relay)
fuzz_target(squeeze relay)
fuzz_target(websocket relay)

# The pages in Chromium, against the real relay; label page.
if(TARGET shoal-relay)
  add_test(NAME page COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/e2e/run $<TARGET_FILE:shoal-relay>)
  add_test(NAME console
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/e2e/run $<TARGET_FILE:shoal-relay> "" console)
  set_tests_properties(page console PROPERTIES LABELS page TIMEOUT 180 SKIP_RETURN_CODE 77)
endif()

# Yjs documents.
unit_test(lib0 core)
unit_test(doc core)
unit_test(prose core)
unit_test(prose_circle core)
property_test(prose core)
property_test(doc core)
fuzz_target(doc core)

# A peer for yjs itself, which edits the same documents where npm has it; label interop.
add_executable(doc_peer doc_peer.c)
target_link_libraries(doc_peer PRIVATE core)
add_test(NAME interop_doc COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run_doc $<TARGET_FILE:doc_peer>)
set_tests_properties(interop_doc PROPERTIES LABELS interop TIMEOUT 400 SKIP_RETURN_CODE 77)

# The same over a relay, with libshoal.
if(TARGET shoal-relay)
  add_executable(yjs_peer yjs_peer.c)
  target_link_libraries(yjs_peer PRIVATE libshoal core)
  add_test(NAME interop_yjs COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run_yjs
           $<TARGET_FILE:shoal-relay> $<TARGET_FILE:yjs_peer>)
  set_tests_properties(interop_yjs PROPERTIES LABELS interop TIMEOUT 400 SKIP_RETURN_CODE 77)
endif()

# And with the command line, by hand.
add_test(NAME interop_hand COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run_hand $<TARGET_FILE:shoal>)
set_tests_properties(interop_hand PROPERTIES LABELS interop TIMEOUT 400 SKIP_RETURN_CODE 77)
shoal_test(shoal_mend shoal_mend 60)

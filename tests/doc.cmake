# Yjs documents.
unit_test(lib0 core)
unit_test(doc core)
unit_test(prose core)
property_test(doc core)
fuzz_target(doc core)

# A peer for yjs itself, which edits the same documents where npm has it; label interop.
add_executable(doc_peer doc_peer.c)
target_link_libraries(doc_peer PRIVATE core)
add_test(NAME interop_doc COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run_doc $<TARGET_FILE:doc_peer>)
set_tests_properties(interop_doc PROPERTIES LABELS interop TIMEOUT 180 SKIP_RETURN_CODE 77)

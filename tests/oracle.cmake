# llama.cpp and shoal-gpu, on the same files; label interop.
add_executable(oracle oracle.c)
target_link_libraries(oracle PRIVATE gpu)
add_test(NAME interop_llama
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/llama/run $<TARGET_FILE:oracle>)
set_tests_properties(interop_llama PROPERTIES LABELS interop TIMEOUT 300 SKIP_RETURN_CODE 77)

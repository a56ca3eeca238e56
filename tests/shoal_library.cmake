# What is made from the client's tables of commands.
add_test(NAME shoal_completion
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_completion.sh ${CMAKE_SOURCE_DIR} $<TARGET_FILE:shoal>
                 ${CMAKE_BINARY_DIR}/client/made)
set_tests_properties(shoal_completion PROPERTIES LABELS integration TIMEOUT 120)

# libshoal, as strangers get it.
unit_test(shoal libshoal)
unit_test(shoal_share libshoal)
add_test(NAME shoal_library
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_library.sh ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}
                 ${CMAKE_C_COMPILER} ${SANITIZE})
set_tests_properties(shoal_library PROPERTIES LABELS integration TIMEOUT 120)
relay_test(library)
target_link_libraries(relay_library PRIVATE libshoal)

# The core as WebAssembly, and natively.
add_executable(wasm_histories wasm_histories.c ${CMAKE_SOURCE_DIR}/client/wasm.c)
target_link_libraries(wasm_histories PRIVATE core random)
add_test(NAME wasm COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/wasm.sh
         ${CMAKE_BINARY_DIR}/client/shoal.wasm $<TARGET_FILE:wasm_histories>)
set_tests_properties(wasm PROPERTIES LABELS property TIMEOUT 120 SKIP_RETURN_CODE 77)

shoal_test(shoal_serve shoal_serve 180)

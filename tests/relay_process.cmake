# The relay's program as a command and as a parent. After relay_blackbox.cmake, which has relay_test.
add_library(program STATIC program.c)
target_link_libraries(program PUBLIC blackbox)
target_compile_definitions(program PRIVATE RELAY_BINARY_BUILT="${CMAKE_BINARY_DIR}/relay/shoal-relay")
relay_test(command)
target_link_libraries(relay_command PRIVATE program)
relay_test(supervisor)
target_link_libraries(relay_supervisor PRIVATE program)

# The relay's program as a command and as a parent. After relay_blackbox.cmake, which has relay_test.
add_library(program STATIC program.c)
target_link_libraries(program PUBLIC blackbox)
target_compile_definitions(program PRIVATE RELAY_BINARY_BUILT="${CMAKE_BINARY_DIR}/relay/shoal-relay")
relay_test(command)
target_link_libraries(relay_command PRIVATE program)
relay_test(supervisor)
target_link_libraries(relay_supervisor PRIVATE program)
relay_test(transfer)
target_link_libraries(relay_transfer PRIVATE program)

# The migrations, each from every state before it.
if(TARGET shoal-relay)
  add_test(NAME migration COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/migration.sh $<TARGET_FILE:migrate>
    $<TARGET_FILE:shoal-relay>)
  set_tests_properties(migration PROPERTIES LABELS integration FIXTURES_REQUIRED postgres TIMEOUT 120
    ENVIRONMENT "TEST_DB=${TEST_DB}")
endif()

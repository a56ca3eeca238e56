# The sync format of applications.
unit_test(operation core)
property_test(operations store)
target_compile_definitions(property_operations PRIVATE SHOAL_BINARY="$<TARGET_FILE:shoal>")
add_dependencies(property_operations shoal)
fuzz_target(operation core)
add_test(NAME shoal_operations_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_operations.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_operations_commands PROPERTIES LABELS integration TIMEOUT 120)

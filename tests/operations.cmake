# The sync format of applications.
unit_test(operation core)
property_test(operations store)
target_compile_definitions(property_operations PRIVATE SHOAL_BINARY="$<TARGET_FILE:shoal>")
add_dependencies(property_operations shoal)
fuzz_target(operation core)
shoal_test(shoal_operations_commands shoal_operations 120)

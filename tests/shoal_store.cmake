# What the client keeps on the disk.
unit_test(shoal_store store)
property_test(shoal_store store)
unit_test(graph core)
add_test(NAME shoal_store_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_store.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_store_commands PROPERTIES LABELS integration TIMEOUT 120)

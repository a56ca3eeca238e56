# What the client keeps on the disk.
unit_test(shoal_store store)
property_test(shoal_store store)
unit_test(graph core)
add_test(NAME shoal_store_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_store.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_store_commands PROPERTIES LABELS integration TIMEOUT 120)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
property_test(shoal_crash store PkgConfig::SQLITE3)
target_sources(property_shoal_crash PRIVATE fault.c)
set_tests_properties(property_shoal_crash PROPERTIES TIMEOUT 150)

# Bad days.
unit_test(clock store)
add_test(NAME shoal_badday
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_badday.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_badday PROPERTIES LABELS integration TIMEOUT 120)

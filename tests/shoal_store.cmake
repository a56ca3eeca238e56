# What the client keeps on the disk.
unit_test(shoal_store store)
property_test(shoal_store store)
unit_test(graph core)
shoal_test(shoal_store_commands shoal_store 120)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
property_test(shoal_crash store PkgConfig::SQLITE3)
target_sources(property_shoal_crash PRIVATE fault.c)
set_tests_properties(property_shoal_crash PROPERTIES TIMEOUT 150)

# Bad days.
unit_test(clock store)
shoal_test(shoal_badday shoal_badday 120)

# Management (NIP-86) from outside. After relay_blackbox.cmake, which has relay_test.
add_library(manage STATIC manage.c)
pkg_check_modules(LIBCRYPTO REQUIRED IMPORTED_TARGET libcrypto)
target_link_libraries(manage PUBLIC blackbox PkgConfig::LIBCRYPTO)
relay_test(admin)
relay_test(bans)
target_link_libraries(relay_admin PRIVATE manage)
target_link_libraries(relay_bans PRIVATE manage)

# Management (NIP-86) from outside. After relay_blackbox.cmake, which has relay_test.
add_library(manage STATIC manage.c)
target_link_libraries(manage PUBLIC blackbox PkgConfig::CRYPTO)
relay_test(admin)
target_link_libraries(relay_admin PRIVATE manage)
relay_test(bans)
target_link_libraries(relay_bans PRIVATE manage)
relay_test(operator)
target_link_libraries(relay_operator PRIVATE program)

# The user's wallet.
add_library(stamp STATIC stamp.c)
target_link_libraries(stamp PUBLIC token PkgConfig::CMOCKA)
unit_test(wallet stamp)
unit_test(wallet_wire stamp)
property_test(purse purse stamp)

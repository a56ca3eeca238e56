# The APIs of a node.
add_library(talker STATIC fetch.c scratch.c wire.c)
target_link_libraries(talker PUBLIC shared PkgConfig::LIBSSL)
unit_test(httpd api talker)

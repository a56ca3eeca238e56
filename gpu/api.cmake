# The APIs that applications speak, over HTTP.
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
add_library(api STATIC httpd.c httpd_exchange.c)
target_link_libraries(api PUBLIC gpu PkgConfig::MICROHTTPD PkgConfig::LIBUV)

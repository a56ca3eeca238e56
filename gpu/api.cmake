# The APIs that applications speak, over HTTP.
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
add_library(api STATIC apikey.c ask.c ask_input.c engine.c httpd.c httpd_exchange.c journal.c ollama.c
  ollama_read.c openai.c openai_read.c refusal.c reply.c service.c service_route.c talk.c)
target_link_libraries(api PUBLIC gpu pipeline PkgConfig::MICROHTTPD PkgConfig::LIBUV)

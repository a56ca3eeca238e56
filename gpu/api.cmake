# The APIs that applications speak, over HTTP, and the way to other servers that speak them.
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
add_library(api STATIC announce.c ask.c ask_input.c backend.c booth.c desk.c desk_gate.c desk_memory.c engine.c identity.c journal.c junction.c label.c measure.c recruit.c ollama.c
  ollama_read.c openai.c openai_read.c post.c refusal.c reply.c service.c service_lead.c service_market.c service_route.c talk.c
  uplink.c upstream.c upstream_write.c)
target_link_libraries(api PUBLIC gpu pipeline link vault httpd PkgConfig::LIBUV PkgConfig::CURL)

# A key that a bunker keeps, far away.
unit_test(bunker bunker)
fuzz_target(bunker bunker)
relay_test(bunker)
target_sources(relay_bunker PRIVATE peer.c)
target_link_libraries(relay_bunker PRIVATE bunker)
target_compile_definitions(relay_bunker PRIVATE SHOAL_BINARY="$<TARGET_FILE:shoal>")
add_dependencies(relay_bunker shoal)

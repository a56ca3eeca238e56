# Relays kept equal: NIP-77 in the relay, and the commands that use it.
relay_test(negentropy)
relay_test(sync)
target_link_libraries(relay_sync PRIVATE program PkgConfig::LIBPQ)
relay_test(hostile)
target_link_libraries(relay_hostile PRIVATE program relay)
relay_test(router)
target_link_libraries(relay_router PRIVATE program)
fuzz_target(router_file relay)

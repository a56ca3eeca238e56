# Questions over relays.
unit_test(desk_gate api)
relay_test(desk)
target_sources(relay_desk PRIVATE node.c)
target_link_libraries(relay_desk PRIVATE api PkgConfig::LIBPQ)
target_compile_definitions(relay_desk PRIVATE GPU_BINARY="$<TARGET_FILE:shoal-gpu>"
  SHOAL_BINARY="$<TARGET_FILE:shoal>" DEMO_MODEL="${CMAKE_SOURCE_DIR}/ops/demo/model")
add_dependencies(relay_desk shoal-gpu shoal)
# Nodes at a relay, and who looks for them.
relay_test(swarm)
target_sources(relay_swarm PRIVATE node.c)
target_link_libraries(relay_swarm PRIVATE cli)
target_compile_definitions(relay_swarm PRIVATE GPU_BINARY="$<TARGET_FILE:shoal-gpu>"
  SHOAL_BINARY="$<TARGET_FILE:shoal>" DEMO_MODEL="${CMAKE_SOURCE_DIR}/ops/demo/model")
add_dependencies(relay_swarm shoal-gpu)
set_tests_properties(relay_swarm PROPERTIES TIMEOUT 240) # heartbeats come every ten seconds
unit_test(desk_memory api)
relay_test(teller)
target_link_libraries(relay_teller PRIVATE api teller)
# A lead and stages that it finds there.
relay_test(chain)
target_sources(relay_chain PRIVATE node.c)
target_link_libraries(relay_chain PRIVATE forged api stall)
target_compile_definitions(relay_chain PRIVATE GPU_BINARY="$<TARGET_FILE:shoal-gpu>"
  DEMO_MODEL="${CMAKE_SOURCE_DIR}/ops/demo/model")
add_dependencies(relay_chain shoal-gpu)
set_tests_properties(relay_chain PROPERTIES TIMEOUT 240)

# Several databases as one. After relay_process.cmake, which has program.
add_library(sharded STATIC sharded.c)
target_link_libraries(sharded PUBLIC program blackbox PkgConfig::LIBPQ)
foreach(name shards shards_admin reshard)
  relay_test(${name})
  target_link_libraries(relay_${name} PRIVATE sharded)
endforeach()
target_link_libraries(relay_shards_admin PRIVATE manage)
if(TEST relay_shards_admin)
  set_tests_properties(relay_shards_admin PROPERTIES TIMEOUT 240)
endif()

# The same on Citus, where it is installed.
if(TARGET shoal-relay)
  add_test(NAME citus COMMAND ${CMAKE_SOURCE_DIR}/ops/citus ${CMAKE_BINARY_DIR})
  set_tests_properties(citus PROPERTIES LABELS integration TIMEOUT 240 SKIP_RETURN_CODE 77)
endif()

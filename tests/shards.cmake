# Several databases as one. After relay_process.cmake, which has program.
add_library(sharded STATIC sharded.c)
target_link_libraries(sharded PUBLIC program blackbox PkgConfig::LIBPQ)
foreach(name shards reshard)
  relay_test(${name})
  target_link_libraries(relay_${name} PRIVATE sharded)
endforeach()

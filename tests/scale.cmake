# Scale-out: shards, replicas, several machines, fail-over, hot restart.
property_test(shards made)
database_test(property_shards)
relay_test(replica)
target_link_libraries(relay_replica PRIVATE PkgConfig::LIBPQ)
if(TEST relay_replica)
  set_tests_properties(relay_replica PROPERTIES TIMEOUT 240)
endif()

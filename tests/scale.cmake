# Scale-out: shards, replicas, several machines, fail-over, hot restart.
property_test(shards made)
database_test(property_shards)
relay_test(replica)
target_link_libraries(relay_replica PRIVATE sharded PkgConfig::LIBPQ)
if(TEST relay_replica)
  set_tests_properties(relay_replica PROPERTIES TIMEOUT 240)
endif()

# What operators are given to watch relays with.
if(TARGET shoal-relay)
  add_test(NAME metrics_rules COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/metrics.sh ${CMAKE_SOURCE_DIR}
    $<TARGET_FILE:shoal-relay>)
  set_tests_properties(metrics_rules PROPERTIES LABELS integration TIMEOUT 60
    FIXTURES_REQUIRED postgres ENVIRONMENT "TEST_DB=${TEST_DB}")
endif()

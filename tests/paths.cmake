# The store's purges.
foreach(name store_purge store_vanish)
  unit_test(${name} made)
  database_test(${name})
  set_tests_properties(${name} PROPERTIES RESOURCE_LOCK schema_test_store)
endforeach()
unit_test(retention relay)

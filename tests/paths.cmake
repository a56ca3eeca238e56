# The store's purges.
unit_test(store_purge made)
database_test(store_purge)
set_tests_properties(store_purge PROPERTIES RESOURCE_LOCK schema_test_store)
unit_test(retention relay)

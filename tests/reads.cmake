# Hashes, plans and pages: how stored events are found again.
unit_test(hash relay)
property_test(store relay)
database_test(property_store)
unit_test(explain relay PkgConfig::JANSSON)
database_test(explain)
unit_test(plan relay)
unit_test(reader relay)
database_test(reader)

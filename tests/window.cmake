# The newest events in memory.
unit_test(window_list relay)
property_test(window_find relay)
unit_test(window_mark relay)
property_test(window made)
database_test(property_window)
relay_test(window)

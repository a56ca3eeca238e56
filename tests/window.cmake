# The newest events in memory.
unit_test(window_list relay)
property_test(window_find relay)

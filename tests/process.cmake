# The relay as a process: settings, counters, its own PostgreSQL, supervision, import and export.
unit_test(config relay)
unit_test(log relay)
unit_test(metrics relay)
unit_test(progress relay)
unit_test(revival relay)
unit_test(transfer_lines relay)
unit_test(cluster relay)
set_tests_properties(cluster PROPERTIES LABELS integration TIMEOUT 120)

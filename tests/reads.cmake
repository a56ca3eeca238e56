# Hashes, plans and pages: how stored events are found again.
unit_test(hash relay)

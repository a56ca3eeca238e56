# Lists whose order several change at the same time.
unit_test(roll core)
property_test(roll core)
shoal_test(shoal_list shoal_list 60)

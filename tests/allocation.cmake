# What nodes hold that choose for themselves.
unit_test(allocation gpu)
property_test(allocation gpu)

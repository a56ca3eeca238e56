# What nodes sell, and how they fare.
unit_test(offer)
property_test(offer)
fuzz_target(offer)
unit_test(parcel)
fuzz_target(parcel)
# Whom to ask.
unit_test(market core)
property_test(market core)

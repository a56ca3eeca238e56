# What the client keeps on the disk.
unit_test(shoal_store store)
property_test(shoal_store store)

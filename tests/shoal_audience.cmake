# To whom what one writes is told.
unit_test(audience store)
relay_test(audience)
target_link_libraries(relay_audience PRIVATE cli)
# Words that standard input says.
shoal_test(shoal_lines shoal_lines 120)
# How far it is.
shoal_test(shoal_progress shoal_progress 120)
# Each exit status.
shoal_test(shoal_status shoal_status 120)
# A full disk, and backups.
shoal_test(shoal_full shoal_full 180)

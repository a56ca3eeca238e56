# To whom what one writes is told.
unit_test(audience store)
relay_test(audience)
target_link_libraries(relay_audience PRIVATE cli)
# Words that standard input says.
add_test(NAME shoal_lines
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_lines.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_lines PROPERTIES LABELS integration TIMEOUT 120)
# How far it is.
add_test(NAME shoal_progress
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_progress.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_progress PROPERTIES LABELS integration TIMEOUT 120)
# Each exit status.
add_test(NAME shoal_status
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_status.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_status PROPERTIES LABELS integration TIMEOUT 120)
# A full disk, and backups.
add_test(NAME shoal_full
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_full.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_full PROPERTIES LABELS integration TIMEOUT 180)

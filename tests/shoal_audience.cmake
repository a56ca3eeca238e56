# To whom what one writes is told.
unit_test(audience store)
relay_test(audience)
target_link_libraries(relay_audience PRIVATE cli)
# Words that standard input says.
add_test(NAME shoal_lines
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_lines.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_lines PROPERTIES LABELS integration TIMEOUT 120)

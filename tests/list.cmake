# Lists whose order several change at the same time.
unit_test(roll core)
property_test(roll core)
add_test(NAME shoal_list COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_list.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_list PROPERTIES LABELS integration TIMEOUT 60)

# What holds of every command in the client's tables.
add_test(NAME shoal_table
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_table.sh ${CMAKE_SOURCE_DIR} $<TARGET_FILE:shoal>)
set_tests_properties(shoal_table PROPERTIES LABELS integration TIMEOUT 60)
shoal_test(shoal_trial shoal_trial 240)

# What is made from the client's tables of commands.
add_test(NAME shoal_completion
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_completion.sh ${CMAKE_SOURCE_DIR} $<TARGET_FILE:shoal>
                 ${CMAKE_BINARY_DIR}/client/made)
set_tests_properties(shoal_completion PROPERTIES LABELS integration TIMEOUT 120)

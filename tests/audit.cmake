# What is larger than an event, and what several sign of it.
unit_test(blob core)
add_test(NAME shoal_checkpoint
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_checkpoint.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_checkpoint PROPERTIES LABELS integration TIMEOUT 120)

# Circles whose roles end, and whose admins agree.
unit_test(pen_circle store)
add_test(NAME shoal_rules COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_rules.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_rules PROPERTIES LABELS integration TIMEOUT 120)

# Circles that nobody else knows the members of.
add_test(NAME shoal_secret COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_secret.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_secret PROPERTIES LABELS integration TIMEOUT 180)

# Who it is that goes on, or writes twice.
add_test(NAME shoal_doctor COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_doctor.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_doctor PROPERTIES LABELS integration TIMEOUT 120)

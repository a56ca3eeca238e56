# What the client does with people and words.
unit_test(thread core)
unit_test(projection core)
add_test(NAME shoal_people_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_people.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_people_commands PROPERTIES LABELS integration TIMEOUT 120)
unit_test(type core)
add_test(NAME shoal_mind_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_mind.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_mind_commands PROPERTIES LABELS integration TIMEOUT 120)
unit_test(diff core)
add_test(NAME shoal_doc_commands
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_doc.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_doc_commands PROPERTIES LABELS integration TIMEOUT 120)
relay_test(dm)
target_compile_definitions(relay_dm PRIVATE SHOAL_BINARY="$<TARGET_FILE:shoal>")
add_dependencies(relay_dm shoal)

# Every command of the README.
add_test(NAME readme COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/readme.sh ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
set_tests_properties(readme PROPERTIES LABELS integration TIMEOUT 300 FIXTURES_REQUIRED postgres
  ENVIRONMENT "TEST_DB=${TEST_DB}")
add_test(NAME completion COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/completion.sh ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
set_tests_properties(completion PROPERTIES LABELS integration TIMEOUT 30)

# The house style as tests, and the tests of those.
foreach(lint layering style format quotes service shell lint_selftest)
  add_test(NAME ${lint} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${lint}.sh ${CMAKE_SOURCE_DIR})
  set_tests_properties(${lint} PROPERTIES LABELS lint TIMEOUT 60 SKIP_RETURN_CODE 77)
endforeach()

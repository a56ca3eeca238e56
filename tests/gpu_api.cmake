# The APIs of a node.
add_library(talker STATIC fetch.c scratch.c wire.c)
target_link_libraries(talker PUBLIC shared PkgConfig::LIBSSL)
unit_test(httpd api talker)
fuzz_target(ask api)
add_executable(test_serve test_serve.c node.c)
target_link_libraries(test_serve PRIVATE talker PkgConfig::CMOCKA)
add_test(NAME serve COMMAND test_serve $<TARGET_FILE:shoal-gpu> ${CMAKE_SOURCE_DIR}/ops/demo/model)
set_tests_properties(serve PROPERTIES LABELS unit TIMEOUT 90)
add_test(NAME interop_api COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run_api
  $<TARGET_FILE:shoal-gpu>)
set_tests_properties(interop_api PROPERTIES LABELS interop TIMEOUT 180 SKIP_RETURN_CODE 77)
fuzz_target(upstream api)
add_executable(test_backend test_backend.c node.c)
target_link_libraries(test_backend PRIVATE talker PkgConfig::CMOCKA pthread)
add_test(NAME backend COMMAND test_backend $<TARGET_FILE:shoal-gpu>
  ${CMAKE_SOURCE_DIR}/ops/demo/model)
set_tests_properties(backend PROPERTIES LABELS unit TIMEOUT 120)

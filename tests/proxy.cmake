# What is bought, and by whom.
unit_test(delta core)
fuzz_target(delta core)
unit_test(trade_change trade stamp httpd)
# Applications that speak with models, and whoever answers them.
unit_test(chunk core)
unit_test(idiom core)
fuzz_target(idiom core)
unit_test(line core)
unit_test(outlet core)
unit_test(plea core)
unit_test(provider provider)
unit_test(ration core)
add_test(NAME shoal_proxy COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_proxy.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_proxy PROPERTIES LABELS integration TIMEOUT 60)
# The npm client of OpenAI through shoal proxy.
add_test(NAME interop_proxy COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run_proxy
  $<TARGET_FILE:shoal> $<TARGET_FILE:shoal-gpu>)
set_tests_properties(interop_proxy PROPERTIES LABELS interop TIMEOUT 180 SKIP_RETURN_CODE 77)
if(TARGET shoal-relay)
  add_test(NAME interop_proxy_paid COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run_proxy_paid
    $<TARGET_FILE:shoal> $<TARGET_FILE:shoal-gpu> $<TARGET_FILE:shoal-relay>)
  set_tests_properties(interop_proxy_paid PROPERTIES LABELS interop)
  database_test(interop_proxy_paid)
  set_tests_properties(interop_proxy_paid PROPERTIES TIMEOUT 180 SKIP_RETURN_CODE 77)
endif()

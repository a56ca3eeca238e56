# The relay as its clients see it: a real process, a real database, our own websocket client.
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(LIBSSL REQUIRED IMPORTED_TARGET libssl)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
add_library(blackbox STATIC audience.c fetch.c pg.c relay.c scratch.c signer.c stage.c talk.c wire.c ws.c)
target_link_libraries(blackbox PUBLIC
  random shared PkgConfig::CMOCKA PkgConfig::JANSSON PkgConfig::LIBSSL PkgConfig::ZLIB)
target_compile_definitions(blackbox PRIVATE
  RELAY_BINARY_BUILT="${CMAKE_BINARY_DIR}/relay/shoal-relay"
  POSTGRES_SH="${CMAKE_CURRENT_SOURCE_DIR}/postgres.sh")

# relay_test(events): tests/relay_events.c, label integration, on the shared test database.
function(relay_test name)
  add_executable(relay_${name} relay_${name}.c)
  target_link_libraries(relay_${name} PRIVATE blackbox)
  if(NOT TARGET shoal-relay)
    return()
  endif()
  add_dependencies(relay_${name} shoal-relay)
  add_test(NAME relay_${name} COMMAND relay_${name})
  set_tests_properties(relay_${name} PROPERTIES LABELS integration TIMEOUT 120
    FIXTURES_REQUIRED postgres SKIP_RETURN_CODE 77 ENVIRONMENT "TEST_DB=${TEST_DB}")
endfunction()

relay_test(auth)
relay_test(backup)
relay_test(count)
relay_test(deletion)
relay_test(events)
relay_test(info)
relay_test(limits)
relay_test(malformed)
relay_test(policy)
relay_test(replaceable)
relay_test(subscriptions)
relay_test(disk)
relay_test(drain)
relay_test(failover)
relay_test(frames)
relay_test(many)
relay_test(outage)
relay_test(proxy)
relay_test(reload)
target_link_libraries(relay_reload PRIVATE PkgConfig::LIBPQ)
relay_test(scaleout)
target_compile_definitions(relay_scaleout PRIVATE
  MACHINES_SH="${CMAKE_CURRENT_SOURCE_DIR}/machines.sh")
relay_test(slow)
relay_test(tls)
relay_test(ledger)
if(TEST relay_ledger)
  set_tests_properties(relay_ledger PROPERTIES LABELS "integration;slow" TIMEOUT 300)
endif()

# What ops/bench runs.
foreach(name idle start)
  add_executable(bench_${name} ${CMAKE_SOURCE_DIR}/ops/bench/${name}.c)
  target_link_libraries(bench_${name} PRIVATE blackbox)
endforeach()

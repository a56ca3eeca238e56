# JSON, events, filters and messages.
unit_test(utf8)
unit_test(text)
set_tests_properties(text PROPERTIES ENVIRONMENT # an impossible size must reach our own check
  "ASAN_OPTIONS=allocator_may_return_null=1;TSAN_OPTIONS=allocator_may_return_null=1")
unit_test(number)
unit_test(scan)
unit_test(kind)
unit_test(event)
unit_test(filter)
unit_test(message)

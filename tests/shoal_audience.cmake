# To whom what one writes is told.
unit_test(audience store)
relay_test(audience)
target_link_libraries(relay_audience PRIVATE cli)

# The executor and its operators.
add_library(forged STATIC forged.c)
target_link_libraries(forged PUBLIC forge gpu)
unit_test(kernel gpu)
unit_test(matrix gpu)
unit_test(paging gpu)
unit_test(exec forged)
property_test(exec forged)

# The kernels of gpu/cuda on the emulator. Its fibers are strange to ThreadSanitizer and libFuzzer.
include(CheckLanguage)
check_language(CXX)
if(NOT CMAKE_CXX_COMPILER OR FUZZ OR SANITIZE MATCHES thread)
  message(STATUS "no emulator of cards: not built by this compiler or sanitizer")
  return()
endif()
enable_language(CXX)

add_library(emulated STATIC ${CMAKE_SOURCE_DIR}/gpu/cuda/card.cu mutants.cu)
set_source_files_properties(${CMAKE_SOURCE_DIR}/gpu/cuda/card.cu mutants.cu PROPERTIES LANGUAGE CXX)
set_target_properties(emulated PROPERTIES CXX_STANDARD 17 CXX_EXTENSIONS OFF)
target_compile_definitions(emulated PRIVATE EMULATOR)
# A function may have the name of the struct that it gives.
target_compile_options(emulated PRIVATE -x c++ -O1 -ffp-contract=off -Wno-shadow)
target_link_libraries(emulated PUBLIC gpu)
unit_test(emulator emulated)
unit_test(card emulated)

# The plugin for CUDA cards, where there is a compiler for it: cmake --build ... --target cuda_plugin.
# It is not sanitized: what it is made of runs under the emulator there.
find_program(NVCC nvcc HINTS /usr/local/cuda/bin)
set(CUDA_PLUGIN ${CMAKE_CURRENT_BINARY_DIR}/libshoal_cuda.so)
if(NVCC)
  file(GLOB cuda_sources CONFIGURE_DEPENDS cuda/*)
  add_custom_command(OUTPUT ${CUDA_PLUGIN}
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/cuda/build.sh ${NVCC} ${CUDA_PLUGIN}
    DEPENDS ${cuda_sources} card.h dtype.h exec.h hyper.h pack.h scalar.h)
  add_custom_target(cuda_plugin DEPENDS ${CUDA_PLUGIN})
endif()

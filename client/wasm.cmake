# The pure core as WebAssembly, where clang and its linker are: the modules that wasm.c uses, and all
# that these use; wasm_*.c is what they have there in place of libraries.
find_program(WASM_CLANG NAMES clang clang-14)
find_program(WASM_LD NAMES wasm-ld wasm-ld-14)
if(WASM_CLANG)
  execute_process(COMMAND ${WASM_CLANG} --print-targets OUTPUT_VARIABLE targets ERROR_QUIET)
endif()
if(NOT WASM_LD OR NOT "${targets}" MATCHES "wasm32")
  message(STATUS "no clang or no wasm-ld: building without WebAssembly")
  return()
endif()
set(objects)
foreach(name
    client/act client/canon client/circle client/circle_outcome client/circle_quorum client/doc_apply client/doc_circle
    client/doc_compact client/doc_edit client/doc_encode client/doc_integrate client/doc_read client/doc_store
    client/doc_undo client/doc_view client/draft client/entity client/hlc client/lib0 client/node client/op
    client/position client/prose client/prose_mend client/redaction client/replica client/state client/state_write
    client/trie client/utf16 client/warrant client/wasm client/wasm_libc client/wasm_print
    client/wasm_sig shared/arena shared/err shared/event shared/event_parse shared/hex shared/number
    shared/scan shared/text shared/utf8 shared/varint)
  string(REPLACE "/" "_" object ${name})
  set(object ${CMAKE_CURRENT_BINARY_DIR}/wasm_${object}.o)
  add_custom_command(OUTPUT ${object}
    COMMAND ${WASM_CLANG} --target=wasm32 -std=c17 -O2 -ffreestanding -nostdlibinc
            -isystem ${CMAKE_CURRENT_SOURCE_DIR}/wasm -I ${CMAKE_SOURCE_DIR} -Wall -Wextra -Werror
            -MD -MF ${object}.d -c -o ${object} ${CMAKE_SOURCE_DIR}/${name}.c
    DEPENDS ${CMAKE_SOURCE_DIR}/${name}.c DEPFILE ${object}.d)
  list(APPEND objects ${object})
endforeach()
set(wasm ${CMAKE_CURRENT_BINARY_DIR}/shoal.wasm)
set(exports)
foreach(name alloc free written written_size verify open close put state)
  list(APPEND exports --export=wasm_${name})
endforeach()
add_custom_command(OUTPUT ${wasm}
  COMMAND ${WASM_LD} --no-entry --gc-sections --strip-all ${exports} -o ${wasm} ${objects}
  DEPENDS ${objects} ${CMAKE_CURRENT_LIST_FILE})
add_custom_target(wasm ALL DEPENDS ${wasm})
install(FILES ${wasm} DESTINATION share/shoal)

# libshoal: shoal.h is all that it shows, whichever way it is linked.
add_library(libshoal_objects OBJECT shoal.c shoal_circle.c shoal_doc.c shoal_entity.c shoal_store.c shoal_sync.c)
target_link_libraries(libshoal_objects PUBLIC exchange vault)
add_library(libshoal SHARED $<TARGET_OBJECTS:libshoal_objects>)
target_link_libraries(libshoal PRIVATE exchange vault)
target_link_options(libshoal PRIVATE
  -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/shoal.map)
if(NOT SANITIZE)
  target_link_options(libshoal PRIVATE -Wl,--no-undefined)
endif()
set_target_properties(libshoal PROPERTIES OUTPUT_NAME shoal VERSION ${PROJECT_VERSION} SOVERSION 0
  LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/shoal.map)
set(archive ${CMAKE_CURRENT_BINARY_DIR}/libshoal.a)
add_custom_command(OUTPUT ${archive}
  COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o shoal.o $<TARGET_OBJECTS:libshoal_objects>
          $<TARGET_FILE:exchange> $<TARGET_FILE:link> $<TARGET_FILE:store> $<TARGET_FILE:vault>
          $<TARGET_FILE:core> $<TARGET_FILE:shared>
  COMMAND ${CMAKE_OBJCOPY} --wildcard --localize-hidden --keep-global-symbol=shoal_* shoal.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
  COMMAND ${CMAKE_AR} rcs ${archive} shoal.o
  DEPENDS libshoal_objects $<TARGET_OBJECTS:libshoal_objects> exchange link store vault core shared
  COMMAND_EXPAND_LISTS)
add_custom_target(libshoal_archive ALL DEPENDS ${archive})
configure_file(shoal.pc.in shoal.pc @ONLY)
install(TARGETS libshoal LIBRARY DESTINATION lib COMPONENT libshoal)
install(FILES ${archive} DESTINATION lib COMPONENT libshoal)
install(FILES shoal.h DESTINATION include COMPONENT libshoal)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/shoal.pc DESTINATION lib/pkgconfig COMPONENT libshoal)

# Made by the program from the tables that its --help is made from.
set(made ${CMAKE_CURRENT_BINARY_DIR}/made)
add_custom_command(OUTPUT ${made}/shoal.1 ${made}/shoal ${made}/_shoal ${made}/shoal.fish
  COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
  COMMAND shoal manual < ${CMAKE_CURRENT_SOURCE_DIR}/shoal.1.in > ${made}/shoal.1
  COMMAND shoal completion bash > ${made}/shoal
  COMMAND shoal completion zsh > ${made}/_shoal
  COMMAND shoal completion fish > ${made}/shoal.fish
  DEPENDS shoal shoal.1.in)
add_custom_target(manual ALL DEPENDS ${made}/shoal.1)
install(FILES ${made}/shoal.1 DESTINATION share/man/man1)
install(FILES ${made}/shoal DESTINATION share/bash-completion/completions)
install(FILES ${made}/_shoal DESTINATION share/zsh/site-functions)
install(FILES ${made}/shoal.fish DESTINATION share/fish/vendor_completions.d)

include(wasm.cmake)

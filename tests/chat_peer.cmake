# What gpu/chat writes, beside what @huggingface/jinja makes of the templates; label interop.
add_executable(chat_peer chat_peer.c)
target_link_libraries(chat_peer PRIVATE gpu)
add_test(NAME interop_chat
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/llama/run_chat $<TARGET_FILE:chat_peer>)
set_tests_properties(interop_chat PROPERTIES LABELS interop TIMEOUT 300 SKIP_RETURN_CODE 77)

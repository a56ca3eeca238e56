# A model over several processes.
add_library(pipeline STATIC activation.c crc32c.c wire.c)
target_link_libraries(pipeline PUBLIC gpu)

# A model over several processes.
add_library(pipeline STATIC
  activation.c boundary.c crc32c.c hail.c stage.c stage_receive.c stage_work.c wire.c)
target_link_libraries(pipeline PUBLIC gpu)

# A model over several processes.
add_library(pipeline STATIC
  activation.c boundary.c cable.c cable_call.c cable_link.c crc32c.c hail.c labour.c outpost.c pipeline.c pipeline_run.c stage.c
  stage_receive.c stage_work.c station.c wire.c)
target_link_libraries(pipeline PUBLIC gpu PkgConfig::LIBWEBSOCKETS PkgConfig::LIBUV)

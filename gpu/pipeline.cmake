# A model over several processes.
add_library(pipeline STATIC
  activation.c boundary.c cable.c cable_call.c cable_link.c crc32c.c door.c hail.c labour.c lead.c outpost.c pipeline.c pipeline_lead.c pipeline_run.c stage.c
  stage_receive.c stage_work.c station.c station_key.c wire.c)
target_link_libraries(pipeline PUBLIC gpu core PkgConfig::LIBWEBSOCKETS PkgConfig::LIBUV)

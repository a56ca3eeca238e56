# Applications that speak with models.
target_sources(core PRIVATE chunk.c idiom.c idiom_write.c line.c outlet.c plea.c ration.c)
add_library(provider STATIC expense.c provider.c)
target_link_libraries(provider PUBLIC store teller)
target_sources(shoal PRIVATE
  command_listen.c command_proxy.c command_provider.c command_proxy_usage.c proxy.c proxy_choice.c proxy_errand.c
  proxy_node.c proxy_provider.c)
target_link_libraries(shoal PRIVATE httpd provider)

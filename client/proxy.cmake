# Applications that speak with models.
target_sources(core PRIVATE chunk.c idiom.c idiom_write.c line.c outlet.c plea.c ration.c)
add_library(provider STATIC expense.c provider.c)
target_link_libraries(provider PUBLIC store teller)

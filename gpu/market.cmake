# Credit: the mint's ledger in PostgreSQL.
add_library(market STATIC fault.c)
target_link_libraries(market PUBLIC gpu PkgConfig::LIBPQ)

# Credit: the mint's ledger in PostgreSQL.
file(GLOB node_steps CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sql/node/[0-9]*.sql)
add_custom_command(OUTPUT migration_steps.c
  COMMAND ${CMAKE_COMMAND} -DOUT=${CMAKE_CURRENT_BINARY_DIR}/migration_steps.c -DFOLDER=node
    -DHEADER=gpu/migration_steps.h -DNOUN=migration -P ${CMAKE_SOURCE_DIR}/sql/embed.cmake
  DEPENDS ${node_steps} ${CMAKE_SOURCE_DIR}/sql/embed.cmake VERBATIM)
add_library(market STATIC
  audit.c cluster.c cluster_tool.c database.c fault.c ledger.c ledger_audit.c ledger_audit_write.c ledger_budget.c ledger_entry.c ledger_hold.c ledger_keyset.c ledger_look.c
  ledger_melt.c ledger_payment.c ledger_quote.c ledger_row.c ledger_settle.c ledger_tally.c migration.c query.c transaction.c uuid.c
  migration_steps.c)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
target_link_libraries(market PUBLIC gpu PkgConfig::LIBPQ PkgConfig::SODIUM)

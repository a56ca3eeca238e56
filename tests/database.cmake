# A PostgreSQL for every test that asks for one, started once by ctest: database_test(name).
string(MD5 POSTGRES_TAG ${CMAKE_BINARY_DIR})
string(SUBSTRING ${POSTGRES_TAG} 0 10 POSTGRES_TAG)
set(POSTGRES_DIR /tmp/shoal-postgres-${POSTGRES_TAG}) # a socket's path is short
set(TEST_DB "host=${POSTGRES_DIR} user=postgres dbname=postgres")
add_test(NAME postgres_start COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/postgres.sh start ${POSTGRES_DIR})
add_test(NAME postgres_stop COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/postgres.sh stop ${POSTGRES_DIR})
set_tests_properties(postgres_start PROPERTIES
  FIXTURES_SETUP postgres LABELS integration TIMEOUT 60)
set_tests_properties(postgres_stop PROPERTIES
  FIXTURES_CLEANUP postgres LABELS integration TIMEOUT 60)

# An existing test gets the database, whose libpq connection string is in TEST_DB.
function(database_test name)
  get_test_property(${name} LABELS labels)
  list(REMOVE_ITEM labels unit NOTFOUND)
  set_tests_properties(${name} PROPERTIES
    FIXTURES_REQUIRED postgres LABELS "integration;${labels}" TIMEOUT 120
    ENVIRONMENT "TEST_DB=${TEST_DB};POSTGRES_DIR=${POSTGRES_DIR}")
endfunction()

unit_test(db relay)
database_test(db)
unit_test(schema relay)
database_test(schema)

add_executable(migrate migrate.c)
target_link_libraries(migrate PRIVATE relay)
add_test(NAME schema_sql COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/schema_sql.sh $<TARGET_FILE:migrate>
  ${CMAKE_SOURCE_DIR}/sql/schema.sql shoal)
set_tests_properties(schema_sql PROPERTIES LABELS unit)
database_test(schema_sql)

add_library(made STATIC made.c)
target_link_libraries(made PUBLIC relay PkgConfig::CMOCKA)
foreach(name store store_deletion store_plans tail tail_own)
  unit_test(${name} made)
  database_test(${name})
endforeach()
set_tests_properties(store store_deletion tail tail_own PROPERTIES RESOURCE_LOCK schema_test_store)

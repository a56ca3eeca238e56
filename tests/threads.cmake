# What ops/test runs under the thread sanitizer: label threads. After the other groups.
#
# Threads are few: the pool verifies signatures (ingest, import, intake), takes fingerprints
# (reconcile) and connects to the database (db); the GPU node's multiplies (pool, matrix); metrics,
# talkers and frames are shared or counted across processes. So these are the tests of those, and
# of relays of several processes whose workers, versions and databases come and go under load. What
# has one thread only - shared/ and most of the rest - would take as long as in asan, several times
# over, and find nothing.
foreach(name db matrix metrics pool property_ingest reader scheduler relay_admin relay_auth relay_drain
    relay_events relay_many relay_negentropy relay_reload relay_scaleout relay_subscriptions
    relay_sync relay_transfer store tail talkers transfer_lines)
  if(TEST ${name})
    set_property(TEST ${name} APPEND PROPERTY LABELS threads)
  endif()
endforeach()

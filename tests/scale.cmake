# Scale-out: shards, replicas, several machines, fail-over, hot restart.
property_test(shards made)
database_test(property_shards)

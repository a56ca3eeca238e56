# Who is counted, what is searched for, and who may write.
unit_test(hll)
unit_test(terms)
fuzz_target(terms)
relay_test(search)
unit_test(kind_set relay)
unit_test(indexer_text relay)

# Who is counted, what is searched for, and who may write.
unit_test(hll)

# NIP-77: two sides compare what they have.
unit_test(varint)
unit_test(fingerprint)
unit_test(negentropy)
property_test(negentropy)
fuzz_target(negentropy)

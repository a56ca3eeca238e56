# Relays kept equal: NIP-77 in the relay, and the commands that use it.
relay_test(negentropy)

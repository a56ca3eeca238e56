# What was: things at a time.
shoal_test(shoal_past_commands shoal_past 120)

# Batches under one hash, and proofs of what is in them.
unit_test(block core)
fuzz_target(block core)

# What things came to, compared.
unit_test(checkpoint core)
fuzz_target(checkpoint core)

# Circles at random: what is folded step by step is what is folded at once.
add_test(NAME shoal_circle_random
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/shoal_circle_random.sh $<TARGET_FILE:shoal>)
set_tests_properties(shoal_circle_random PROPERTIES LABELS property TIMEOUT 180)

# What is larger than an event, and what several sign of it.
unit_test(blob core)
shoal_test(shoal_checkpoint shoal_checkpoint 120)

# Circles whose roles end, and whose admins agree.
unit_test(pen_circle store)
shoal_test(shoal_rules shoal_rules 120)

# Circles that nobody else knows the members of.
shoal_test(shoal_secret shoal_secret 180)

# Who it is that goes on, or writes twice.
shoal_test(shoal_doctor shoal_doctor 120)

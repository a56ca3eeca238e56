# The client's command line.
shoal_test(shoal_commands shoal 60)

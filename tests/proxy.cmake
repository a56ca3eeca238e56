# What is bought, and by whom.
unit_test(delta core)
fuzz_target(delta core)
unit_test(trade_change trade stamp httpd)
